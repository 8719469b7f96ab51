from datetime import UTC, datetime
from typing import get_args

import pytest

from soleus.history import CalfRaise, KneeToWall, Soreness, make_note, summarize
from soleus.model import Runner
from soleus.rules import HistorySummary
from soleus.rules.history import RED_FLAG_GROUPS, RedFlag
from soleus.screening import RED_FLAG_QUESTIONS, judge
from soleus.screening.norms import raises_in_words, sides_in_words

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def test_every_red_flag_is_asked_for_and_sends_somewhere():
    assert set(RED_FLAG_QUESTIONS) == set(get_args(RedFlag)) == {flag for g in RED_FLAG_GROUPS.values() for flag in g}


@pytest.mark.parametrize("flag", list(RED_FLAG_QUESTIONS))
def test_a_red_flag_ends_all_training_advice(flag):
    notes = [
        make_note(CalfRaise(foot="left", repetitions=12), NOW),
        make_note(CalfRaise(foot="right", repetitions=25), NOW),
        make_note(Soreness(pain=2, days=30, red_flags=(flag,)), NOW),
    ]
    verdict = judge(summarize([], notes, NOW))
    assert verdict.stop
    assert {finding.severity for finding in verdict.findings} == {"stop"}
    assert verdict.guidance == ()
    words = verdict.findings[0].message
    assert any(place in words for place in ("emergency number", "doctor", "seen today", "clinician"))


def test_a_test_links_to_what_fits():
    notes = [
        make_note(KneeToWall(foot=foot, angle_deg=angle), NOW) for foot, angle in (("left", 30.0), ("right", 40.0))
    ]
    verdict = judge(summarize([], notes, NOW))
    assert {f.rule for f in verdict.findings} >= {"ankle-range-difference", "ankle-range-low"}
    assert [each.name for each in verdict.guidance] == ["ankle-range"]


def test_nothing_told_says_nothing():
    assert judge(HistorySummary()).findings == ()


@pytest.mark.parametrize(
    ("repetitions", "runner", "words"),
    [
        (41, Runner(sex="female", age_years=30), "women 21; the 40 that runners aim at are met"),
        (33, Runner(sex="male", age_years=30), "men 24; runners aim at 40."),
        (20, Runner(), "21-24; runners aim at 40. Fewer than 30 may suggest lower endurance"),
        (20, Runner(sex="male", age_years=70), "21-24, less with age"),
    ],
)
def test_a_count_stands_beside_norm_and_aspiration(repetitions, runner, words):
    assert words in raises_in_words(repetitions, runner)
    assert "weak" not in raises_in_words(repetitions, runner)


def test_sides_within_the_error_of_the_test_are_the_same():
    assert "do not differ" in sides_in_words(30, 24, "raises")
    assert "The right leg has 7 fewer" in sides_in_words(30, 23, "raises")
    assert "do not differ" in sides_in_words(60, 52, "raises")
    assert "do not differ" in sides_in_words(40.0, 35.5, "degrees")
