from datetime import timedelta

import msgspec
import numpy as np
import pytest

from soleus.history import (
    CalfRaise,
    Gym,
    HistoryStore,
    KneeToWall,
    Minutes,
    Soreness,
    history_summary,
    load_context,
    loads,
    make_note,
    spike_ratio,
    summarize,
)
from soleus.history.context import moving_average
from soleus.model import Runner, Steps
from soleus.rules import SIGNALS, HistorySummary, RuleEngine


def test_too_short_a_log_says_so_and_compares_nothing(log):
    summary = summarize([log.run(2.0), log.run(1.0)], [], log.NOW)
    assert summary.enough is False
    assert summary.signals()["longest_distance"] != summary.signals()["longest_distance"]
    said = RuleEngine(history=summary).push(Steps.empty())["rule"].tolist()
    assert said == ["not-enough-history"]
    assert load_context([log.run(2.0)], log.NOW) is None


def test_the_longest_of_thirty_days_counts_and_no_older_one(log):
    entries = [log.run(31.0, 30_000.0), *log.month(), log.run(0.5, 9500.0)]
    summary = summarize(entries, [], log.NOW)
    assert summary.enough
    assert summary.longest_distance_m == 9500.0
    assert summary.longest_impulse_bws == 4750.0
    assert summary.sessions_30d == 11


def test_what_comes_later_and_the_run_itself_are_not_looked_at(tmp_path, log):
    with HistoryStore(tmp_path / "h.sqlite", create=True) as store:
        for entry in [*log.month(), log.run(0.0, 50_000.0), log.run(-1.0, 60_000.0)]:
            store.put(entry)
        assert history_summary(store, log.NOW).longest_distance_m == 8000.0


def test_runs_without_pods_complete_the_load(log):
    entries = [*log.month(), log.run(1.0, 20_000.0, kind="hand", impulse_bws=None)]
    summary = summarize(entries, [], log.NOW)
    assert summary.longest_distance_m == 20_000.0
    assert summary.longest_impulse_bws == pytest.approx(10_000.0)
    assert loads(entries).estimated == 1
    assert summarize([log.run(1.0, kind="hand", impulse_bws=None)], [], log.NOW).longest_impulse_bws is None


def test_a_spike_is_measured_against_what_came_before_it(log):
    entries = [*log.month(9), log.run(1.5, 12_000.0)]
    assert spike_ratio(entries, 9) == pytest.approx(1.5)
    assert spike_ratio(entries, 2) is None
    summary = summarize(entries, [], log.NOW)
    assert summary.hours_since_spike == pytest.approx(1.5 * 24 - 12_000 / 3 / 3600)
    assert summary.hours_since_hard == summary.hours_since_spike
    assert summarize(log.month(), [], log.NOW).hours_since_spike is None


def test_hills_and_speed(log):
    minutes = Minutes(speed_mps=[3.0] * 20, grade=[0.0] * 20, values={})
    fast = Minutes(speed_mps=[3.0] * 15 + [4.0] * 5, grade=[0.0] * 20, values={})
    entries = [
        log.run(20.0, minutes=minutes, uphill_m=80.0),
        log.run(10.0, minutes=fast, uphill_m=5.0),
        log.run(3.0, minutes=minutes),
    ]
    summary = summarize(entries, [], log.NOW)
    assert summary.days_since_hill == pytest.approx(20.0)
    assert summary.days_since_fast == pytest.approx(10.0)
    assert summary.usual_speed_mps == 3.0
    assert summary.most_uphill_m == 80.0
    flat = summarize([log.run(20.0, minutes=minutes)], [], log.NOW)
    assert flat.days_since_hill == pytest.approx(20.0)  # none: the days looked back


def test_surfaces_shoes_and_strikes(log):
    before = [log.run(d, surface="road", shoe_drop_m=0.008, rearfoot=90, midfoot=10, forefoot=0) for d in (30, 20, 10)]
    week = [log.run(d, surface="treadmill", shoe_drop_m=0.004, rearfoot=50, midfoot=25, forefoot=25) for d in (3, 1)]
    summary = summarize([*before, *week], [], log.NOW, Runner(shoe_drop_m=0.004, surface="sand"))
    assert (summary.treadmill_share_recent, summary.treadmill_share_before) == (1.0, 0.0)
    assert summary.shoe_drop_change_m == pytest.approx(-0.004)
    assert summary.new_shoe_share == 1.0
    assert summary.soft_surface is True
    assert summary.non_rearfoot_share == pytest.approx(120 / 400)
    said = RuleEngine(history=summary).push(Steps.empty())["rule"].tolist()
    assert {"shoe-drop", "treadmill-share"} <= set(said)


def test_answers_tests_and_gym(log):
    notes = [
        make_note(Soreness(pain=1, days=3), log.days_ago(8.0)),
        make_note(CalfRaise(foot="left", repetitions=20), log.days_ago(2.0)),
        make_note(CalfRaise(foot="right", repetitions=30), log.days_ago(2.0)),
        make_note(KneeToWall(foot="left", angle_deg=38.0), log.days_ago(9.0)),
        make_note(Gym(), log.days_ago(0.25)),
        make_note(Soreness(pain=5, days=11), log.days_ago(0.5)),
    ]
    summary = summarize([], notes, log.NOW)
    assert (summary.calf_raises_left, summary.calf_raises_right) == (20, 30)
    assert summary.ankle_range_left_deg is None  # a test speaks for a week
    assert summary.hours_since_gym == pytest.approx(6.0)
    assert summary.pain_before == 5
    assert summary.soreness_days == pytest.approx(11.5)
    assert summary.soreness_change == 4
    later = summarize([], notes, log.NOW + timedelta(days=10))
    assert (later.pain_before, later.soreness_days, later.red_flags) == (None, None, ())


def test_red_flags_stand_until_asked_anew(log):
    notes = [make_note(Soreness(pain=6, red_flags=("swelling",)), log.days_ago(40.0))]
    said = RuleEngine(history=summarize(log.month(), notes, log.NOW)).push(Steps.empty())
    assert said["rule"].tolist() == ["red-flag-clot"]
    notes.append(make_note(Soreness(pain=0), log.days_ago(1.0)))
    assert summarize(log.month(), notes, log.NOW).red_flags == ()


def _daily(log, loads_m, hour: float = 12.0):
    """One run a day, the last one today; no run on days without load."""
    n = len(loads_m)
    return [log.run(n - 1 - i + hour / 24.0, load) for i, load in enumerate(loads_m) if load]


def test_weighted_and_rolling_ratios_are_those_of_the_published_example(log):
    """Three even weeks, then one of 5/3 of them: the 1.25 against 1.43 that Williams 2017 prints for one athlete."""
    context = load_context(_daily(log, [3000.0] * 22 + [5000.0] * 7), log.NOW)["distance_m"]
    assert context.ewma_ratio == pytest.approx(1.25, abs=0.005)
    coupled = 4.0 * context.acute_chronic / (3.0 + context.acute_chronic)
    assert coupled == pytest.approx(1.43, abs=0.005)
    assert context.acute_chronic == pytest.approx(5.0 / 3.0)


def test_the_weighted_average_follows_its_recursion():
    loads = np.random.default_rng(1).uniform(0.0, 9.0, 60)
    for days in (7, 28):
        today, share = loads[0], 2.0 / (days + 1.0)
        for load in loads[1:]:
            today = share * load + (1.0 - share) * today
        assert moving_average(loads, days) == pytest.approx(today)


@pytest.mark.parametrize(
    ("week", "monotony"),
    [
        ([5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 0.0], 6.0 / np.sqrt(7.0)),  # mean 30/7, sample deviation 5/sqrt(7)
        ([8.0, 0.0, 8.0, 0.0, 8.0, 0.0, 8.0], 4.0 / np.sqrt(14.0)),
        ([4.0] * 7, None),
    ],
)
def test_monotony_is_mean_over_deviation_of_seven_days(log, week, monotony):
    """Foster 1998."""
    context = load_context(_daily(log, [1000.0] * 22 + [1000.0 * load for load in week]), log.NOW)["distance_m"]
    assert context.monotony == (None if monotony is None else pytest.approx(monotony))
    assert context.week == pytest.approx(1000.0 * sum(week))


def test_rules_never_hear_of_the_ratios(log):
    assert not set(HistorySummary.__struct_fields__) & {"acute_chronic", "ewma_ratio", "monotony", "week"}
    assert not any(word in name for name in SIGNALS for word in ("acute", "chronic", "ewma", "monotony"))


def test_ratios_are_context_only(log):
    context = load_context([log.run(40.0), *log.month()], log.NOW)
    assert context is not None
    assert context["distance_m"].acute_chronic == pytest.approx(16_000 / (48_000 / 3), rel=0.4)
    assert context["impulse_bws"].week == pytest.approx(context["distance_m"].week / 2)
    names = set(msgspec.structs.asdict(context["distance_m"]))
    assert not names & set(summarize(log.month(), [], log.NOW).__struct_fields__)


def test_asymmetry_needs_three_runs(log):
    entries = [log.run(d, contact_asymmetry=0.01 * d) for d in (3.0, 2.0, 1.0)]
    summary = summarize(entries, [], log.NOW)
    assert summary.contact_asymmetry == pytest.approx(0.02)
    assert summary.contact_asymmetry_spread == pytest.approx(0.01)
    assert summarize(entries[1:], [], log.NOW).contact_asymmetry is None
