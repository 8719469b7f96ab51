from datetime import UTC, datetime
from typing import get_args

import pytest

from soleus.history import CalfRaise, KneeToWall, Soreness, make_note, summarize
from soleus.model import Runner
from soleus.rules import HistorySummary
from soleus.rules.history import RED_FLAG_GROUPS, RedFlag
from soleus.screening import RED_FLAG_QUESTIONS, judge
from soleus.screening.norms import RAISES_BY_DECADE, raises_in_words, sides_in_words

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
        (
            41,
            Runner(sex="female", age_years=30),
            "27 are common for women of 30-39; the 40 that",
        ),
        (33, Runner(sex="male", age_years=25), "37 are common for men of 20-29; runners aim at 40)."),
        (20, Runner(), "median 21-24; runners aim at 40). Fewer than 30 may suggest lower endurance"),
        (20, Runner(sex="male", age_years=84), "10 are common for men of 80-89"),
        (20, Runner(sex="female"), "population median of women 21"),
        (20, Runner(sex="male", age_years=16), "population median of men 24"),
        (20, Runner(sex="male", age_years=95), "population median of men 24"),
        (20, Runner(sex="other", age_years=40), "population median 21-24"),
    ],
)
def test_a_count_stands_beside_norm_and_aspiration(repetitions, runner, words):
    assert words in raises_in_words(repetitions, runner)
    assert "weak" not in raises_in_words(repetitions, runner)


def test_norms_fall_with_age_and_sexes_change_places_beyond_sixty():
    for counts in RAISES_BY_DECADE.values():
        assert list(counts) == sorted(counts, reverse=True)
    men, women = RAISES_BY_DECADE["male"], RAISES_BY_DECADE["female"]
    assert all(m > w for m, w in zip(men[:4], women[:4], strict=True))
    assert all(m <= w for m, w in zip(men[4:], women[4:], strict=True))


def test_no_norms_are_told_for_the_bent_knee():
    words = raises_in_words(20, Runner(sex="male", age_years=30), "bent")
    assert "no norms" in words
    assert "40" not in words


def test_sides_within_the_error_of_the_test_are_the_same():
    assert "do not differ" in sides_in_words(30, 24, "raises")
    assert "The right leg has 7 fewer" in sides_in_words(30, 23, "raises")
    assert "do not differ" in sides_in_words(60, 52, "raises")
    assert "do not differ" in sides_in_words(40.0, 35.5, "degrees")
