from types import ModuleType
from typing import Any

import numpy as np
import pytest

from soleus.model import Steps
from soleus.rules import HistorySummary, RuleEngine, SignalBaseline, load_presets

RULES = load_presets()
ENOUGH: dict[str, Any] = {"sessions_30d": 8, "span_days": 28.0}
NORMAL = (1.0, 1.0, -0.5, 10.0, 0.0, 0.0, 70.0, 0.93)


def _said(steps: Steps, rule: str, history: HistorySummary | None = None, pain: tuple[float, ...] = ()) -> list[int]:
    """Feet for which one rule alone speaks."""
    engine = RuleEngine(rules=[each for each in RULES if each.name == rule], history=history)
    feet = engine.push(Steps.empty())["foot"].tolist()
    for number, rating in enumerate(pain):
        feet += engine.tell_pain(10.0 * number, rating)["foot"].tolist()
    return feet + engine.push(steps)["foot"].tolist() + engine.finish()["foot"].tolist()


def _usual(signal: str, level: float) -> tuple[SignalBaseline, ...]:
    return tuple(
        SignalBaseline(
            signal=signal, foot=foot, level=level, speed_mps=3.0, speed_low_mps=2.5, speed_high_mps=3.5,
            spread=0.01 * level, n_runs=5, n_minutes=100,
        )
        for foot in ("left", "right")
    )  # fmt: skip


HISTORY_CASES = [
    ("red-flag-emergency", {"red_flags": ("breathless",)}, {"red_flags": ()}),
    ("red-flag-clot", {"red_flags": ("swelling",)}, {"red_flags": ("pop",)}),
    ("red-flag-tear", {"red_flags": ("cannot-tiptoe",)}, {"red_flags": ("numbness",)}),
    ("red-flag-nerve", {"red_flags": ("numbness",)}, {}),
    ("red-flag-severe", {"red_flags": ("fever",)}, {}),
    ("red-flag-pressure", {"red_flags": ("bursting",)}, {}),
    ("pain-before", {"pain_before": 4.0}, {"pain_before": 3.0}),
    ("pain-last-run", {"pain_last_run": 5.0}, {"pain_last_run": 3.0}),
    ("soreness-long", {"soreness_days": 15.0}, {"soreness_days": 2.0}),
    ("soreness-worse", {"soreness_change": 2.0}, {"soreness_change": -1.0}),
    ("not-enough-history", {"sessions_30d": 2, "span_days": 20.0}, ENOUGH),
    ("little-recovery", {"hours_since_hard": 20.0}, {"hours_since_hard": 30.0}),
    ("little-recovery-after-spike", {"hours_since_spike": 40.0}, {"hours_since_spike": 50.0}),
    ("gym-and-run", {"hours_since_gym": 3.0}, {"hours_since_gym": 20.0}),
    (
        "treadmill-share",
        {"treadmill_share_recent": 0.8, "treadmill_share_before": 0.1},
        {"treadmill_share_recent": 0.9, "treadmill_share_before": 0.8},
    ),
    (
        "shoe-drop",
        {"shoe_drop_change_m": -0.004, "new_shoe_share": 0.2},
        {"shoe_drop_change_m": -0.004, "new_shoe_share": 0.05},
    ),
    (
        "calf-raise-endurance",
        {"calf_raises_left": 28, "calf_raises_right": 35},
        {"calf_raises_left": 30, "calf_raises_right": 40},
    ),
    (
        "calf-raise-difference",
        {"calf_raises_left": 20, "calf_raises_right": 28},
        {"calf_raises_left": 45, "calf_raises_right": 39},
    ),
    (
        "bent-knee-raise-difference",
        {"bent_raises_left": 20, "bent_raises_right": 28},
        {"bent_raises_left": 20, "bent_raises_right": 26},
    ),
    (
        "wall-distance-low",
        {"wall_distance_left_m": 0.12, "wall_distance_right_m": 0.08},
        {"wall_distance_left_m": 0.12, "wall_distance_right_m": 0.10},
    ),
    (
        "wall-distance-difference",
        {"wall_distance_left_m": 0.13, "wall_distance_right_m": 0.105},
        {"wall_distance_left_m": 0.12, "wall_distance_right_m": 0.105},
    ),
    (
        "ankle-range-difference",
        {"ankle_range_left_deg": 35.0, "ankle_range_right_deg": 42.0},
        {"ankle_range_left_deg": 35.0, "ankle_range_right_deg": 39.0},
    ),
    (
        "ankle-range-low",
        {"ankle_range_left_deg": 33.0, "ankle_range_right_deg": 40.0},
        {"ankle_range_left_deg": 38.0, "ankle_range_right_deg": 40.0},
    ),
]


@pytest.mark.parametrize(("rule", "fires", "silent"), HISTORY_CASES, ids=[case[0] for case in HISTORY_CASES])
def test_what_the_history_says(rule: str, fires: dict[str, Any], silent: dict[str, Any]) -> None:
    assert len(_said(Steps.empty(), rule, HistorySummary(**fires))) == 1
    assert _said(Steps.empty(), rule, HistorySummary(**silent)) == []
    assert _said(Steps.empty(), rule) == []


PAIN_CASES = [
    ("pain-stop", (4.0,), (3.0,)),
    ("pain-rising", (1.0, 3.0), (2.0, 3.0)),
    ("pain-noted", (1.0,), (0.0,)),
]


@pytest.mark.parametrize(("rule", "fires", "silent"), PAIN_CASES, ids=[case[0] for case in PAIN_CASES])
def test_what_the_runner_tells(rule: str, fires: tuple[float, ...], silent: tuple[float, ...]) -> None:
    assert len(_said(Steps.empty(), rule, pain=fires)) == 1
    assert _said(Steps.empty(), rule, pain=silent) == []


RUN_CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = (
    [
        (
            f"distance-{percent}",
            {"longest_distance_m": 3600.0 / percent * 100 - 20.0},
            {"longest_distance_m": 3600.0 / percent * 100 + 40.0},
        )
        for percent in (100, 110, 130, 200)
    ]
    + [
        (
            f"impulse-{percent}",
            {"longest_impulse_bws": 2450.0 / percent * 100},
            {"longest_impulse_bws": 2600.0 / percent * 100},
        )
        for percent in (100, 110, 130, 200)
    ]
    + [
        ("dose-110", {"highest_dose": 1e6}, {"highest_dose": 1e9}),
        ("peak-110", {"highest_peak_bw": 4.2}, {"highest_peak_bw": 5.5}),
        ("first-hills", {"days_since_hill": 30.0}, {"days_since_hill": 10.0}),
        ("more-hills", {"most_uphill_m": 30.0}, {"most_uphill_m": 60.0}),
        (
            "first-speed",
            {"days_since_fast": 30.0, "usual_speed_mps": 2.5},
            {"days_since_fast": 30.0, "usual_speed_mps": 2.9},
        ),
        (
            "soft-ground",
            {"soft_surface": True, "usual_impulse_per_m": 0.5},
            {"soft_surface": True, "usual_impulse_per_m": 0.7},
        ),
        ("strike-pattern-change", {"non_rearfoot_share": 0.7}, {"non_rearfoot_share": 0.9}),
        ("cadence-opportunity", {"baselines": _usual("cadence", 163.0)}, {"baselines": _usual("cadence", 150.0)}),
    ]
)


@pytest.mark.parametrize(("rule", "fires", "silent"), RUN_CASES, ids=[case[0] for case in RUN_CASES])
def test_the_run_against_the_history(
    population: ModuleType, rule: str, fires: dict[str, Any], silent: dict[str, Any]
) -> None:
    habit = population.Habit(1.0, 1.0, -0.5, 0.0, 0.04, 0.0, 70.0, 0.93)
    graded = 0.0 if rule == "cadence-opportunity" else 0.012
    course = population.Course(speed_mps=(3.0,), grade=(graded,))
    steps = population.simulate(habit, course, 1200.0, np.random.default_rng(3))
    assert len(_said(steps, rule, HistorySummary(**ENOUGH | fires))) == 1
    assert _said(steps, rule, HistorySummary(**ENOUGH | silent)) == []
    assert _said(steps, rule) == []


FORM_CASES: list[tuple[str, dict[int, float]]] = [
    ("overstride-watch", {4: 0.045}),
    ("overstride", {4: 0.07}),
    ("long-contact", {1: 1.12}),
    ("vertical-oscillation", {0: 0.80, 1: 0.85}),
    ("heel-never-down", {3: -15.0}),
    ("asymmetry-watch", {5: 0.065}),
    ("asymmetry-high", {5: -0.1}),
]
"""Rules of form, and what of the normal runner's habit must differ for them to speak."""


@pytest.mark.parametrize(("rule", "habit"), FORM_CASES, ids=[case[0] for case in FORM_CASES])
def test_how_the_runner_runs(population: ModuleType, rule: str, habit: dict[int, float]) -> None:
    history = HistorySummary(contact_asymmetry=0.0, contact_asymmetry_spread=0.01)
    for values, speaks in ((habit, True), ({}, False)):
        drawn = population.Habit(*(values.get(i, normal) for i, normal in enumerate(NORMAL)))
        steps = population.simulate(drawn, population.Course(), 600.0, np.random.default_rng(5))
        said = _said(steps, rule, history)
        assert bool(said) == speaks
        if rule == "asymmetry-high" and speaks:
            assert said == [1]


CHANGE_CASES: list[tuple[str, dict[str, float], set[int]]] = [
    ("contact-time-drift", {"contact_left": 0.05, "contact_right": 0.05}, {-1, 0, 1}),
    ("contact-time-drift", {"contact_right": 0.06}, {1}),
    ("achilles-impulse-drift", {"cadence": -0.06}, {-1, 0, 1}),
    ("achilles-peak-drift", {"contact_left": -0.08, "contact_right": -0.08}, {-1, 0, 1}),
    ("stiffness-drop", {"contact_left": 0.05, "contact_right": 0.05}, {-1}),
    ("cadence-drop", {"cadence": -0.03}, {-1}),
    ("overstride-drift", {"overstride_m": 0.015}, {-1}),
    ("oscillation-drift", {"cadence": -0.05}, {-1}),
    ("strike-drift", {"strike_deg": 4.0}, {-1, 0, 1}),
    ("asymmetry-growing", {"contact_left": 0.045}, {0}),
    ("asymmetry-growing", {"contact_right": 0.045}, {1}),
]


@pytest.mark.parametrize(
    ("rule", "change", "feet"), CHANGE_CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CHANGE_CASES)]
)
def test_what_changes_within_the_run(
    population: ModuleType, rule: str, change: dict[str, float], feet: set[int]
) -> None:
    habit = population.Habit(*NORMAL)
    for applied, speaks in ((population.Change(700.0, 30.0, **change), True), (population.Change(), False)):
        steps = population.simulate(habit, population.Course(), 1000.0, np.random.default_rng(6), applied)
        said = _said(steps, rule)
        assert bool(said) == speaks
        assert set(said) <= feet


def test_one_side_loaded_more(population: ModuleType) -> None:
    steps = population.simulate(population.Habit(*NORMAL), population.Course(), 600.0, np.random.default_rng(5))
    assert _said(steps, "load-asymmetry") == []
    columns = dict(steps.columns)
    columns["achilles_impulse_bws"] = columns["achilles_impulse_bws"] * np.where(columns["foot"] == 1, 1.15, 1.0)
    assert _said(Steps(columns), "load-asymmetry") == [1]


def test_every_preset_is_tested() -> None:
    tested = {case[0] for case in (*HISTORY_CASES, *PAIN_CASES, *RUN_CASES, *FORM_CASES, *CHANGE_CASES)}
    assert {rule.name for rule in RULES} - tested == {
        "load-asymmetry",
        "pain-with-gait-change",  # in test_engine
    }


def test_few_false_alarms_and_most_changes_found(population: ModuleType) -> None:
    healthy = population.healthy(40, 0.5, RULES)
    assert sum(healthy.alarms.values()) <= 2
    for kind in population.WANTED:
        tally = population.changed(kind, 40, RULES)
        assert tally.found >= 36, kind
    assert population.habitual(20, RULES).found == 20
