from types import ModuleType

import msgspec
import numpy as np
import pytest

from soleus.rules import HistorySummary, RuleEngine, fit_baselines, run_minutes
from soleus.rules.history import MIN_SESSIONS


def _runs(population: ModuleType, speeds: list[float]) -> list[object]:
    habit = population.Habit(1.0, 1.0, -0.5, 10.0, 0.0, 0.02, 70.0, 0.93)
    found = []
    for number, speed in enumerate(speeds):
        course = population.Course((0.0, 700.0), (speed, speed + 0.2), (0.0, 0.0))
        steps = population.simulate(habit, course, 1300.0, np.random.default_rng(number))
        found.append(run_minutes(steps, days_ago=3.0 * number + 1.0))
    return found


def test_what_is_usual_is_found_at_any_speed_run(population: ModuleType) -> None:
    runs = _runs(population, [2.6, 2.9, 3.2, 3.5])
    baselines = {(b.signal, b.foot): b for b in fit_baselines(runs)}
    contact = baselines["contact_time", "left"]
    at = np.array([2.7, 3.0, 3.4])
    expected = 0.262 * (at / 3.2) ** -0.5 * 1.01
    np.testing.assert_allclose(contact.at(at, np.zeros(3)), expected, rtol=0.012)
    assert contact.speed_slope == pytest.approx(-0.042, abs=0.008)
    assert contact.n_runs == 4
    assert 0.0 <= contact.spread < 0.004
    assert np.isnan(contact.at(np.array([4.5]), np.zeros(1))).all()
    assert baselines["cadence", "right"].speed_slope == pytest.approx(13.0, abs=2.5)


def test_too_few_or_too_old_runs_give_nothing(population: ModuleType) -> None:
    runs = _runs(population, [2.6, 3.0])
    assert fit_baselines(runs) == ()
    old = _runs(population, [2.6, 3.0, 3.4])
    for each in old:
        object.__setattr__(each, "days_ago", 40.0)
    assert fit_baselines(old) == ()


def test_a_run_shorter_than_the_warm_up_has_no_minutes(population: ModuleType) -> None:
    habit = population.Habit(1.0, 1.0, -0.5, 10.0, 0.0, 0.0, 70.0, 0.93)
    steps = population.simulate(habit, population.Course(), 120.0, np.random.default_rng(1))
    assert run_minutes(steps, 1.0).speed_mps.size == 0


def test_a_history_goes_through_json(population: ModuleType) -> None:
    history = HistorySummary(baselines=fit_baselines(_runs(population, [2.6, 2.9, 3.2])), sessions_30d=MIN_SESSIONS)
    assert msgspec.json.decode(msgspec.json.encode(history), type=HistorySummary) == history
    with pytest.raises(msgspec.ValidationError, match="pain_before"):
        msgspec.json.decode(b'{"pain_before": 11}', type=HistorySummary)


def test_the_own_slopes_carry_the_reference_to_a_new_speed(population: ModuleType) -> None:
    history = HistorySummary(baselines=fit_baselines(_runs(population, [2.6, 2.9, 3.2, 3.5])))
    habit = population.Habit(1.0, 1.0, -0.5, 10.0, 0.0, 0.02, 70.0, 0.93)
    course = population.Course((0.0, 900.0), (2.8, 3.4), (0.0, 0.0))
    tired = population.Change(900.0, 30.0, 0.08, 0.08)
    for change, speaks in ((tired, True), (population.Change(), False)):
        steps = population.simulate(habit, course, 1190.0, np.random.default_rng(9), change)
        engine = RuleEngine(history=history)
        rules = [*engine.push(steps)["rule"], *engine.finish()["rule"]]
        assert ("contact-time-drift" in rules) == speaks
    unknown = RuleEngine()
    steps = population.simulate(habit, course, 1190.0, np.random.default_rng(9), tired)
    assert "contact-time-drift" not in unknown.push(steps)["rule"].tolist()
