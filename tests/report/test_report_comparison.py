"""Two sessions: a known difference is found again, no difference is not, and other speeds are not compared."""

from __future__ import annotations

import numpy as np
import pytest

from soleus.report import write_comparison
from soleus.report.comparison import differences, match, matched_steps
from soleus.report.course import course_of


def compared(a, b):
    courses = (course_of(a), course_of(b))
    matched = match(courses)
    return matched, {(each.quantity.signal, each.foot): each for each in differences(courses, matched)}


def halves(steps):
    """Two quiet pieces of one run, each over three minutes, that start at zero."""
    found = []
    for start_s in (0.0, 230.0):
        own = steps.select((steps["initial_contact_s"] >= start_s) & (steps["initial_contact_s"] < start_s + 230))
        shift = start_s
        found.append(type(own)(dict(own.columns) | {c: own[c] - shift for c in ("initial_contact_s", "toe_off_s")}))
    return found


def test_a_known_shift_is_found(fatigue, made):
    a, b = halves(fatigue.steps)
    shifted = made.changed(b, contact_time_s=b["contact_time_s"] + 0.012 * (b["foot"] == 0))
    _, plain = compared(a, b)
    matched, found = compared(a, shifted)
    left, right = found["contact_time", 0], found["contact_time", 1]
    assert matched.shares == pytest.approx((1.0, 1.0))
    assert left.difference - plain["contact_time", 0].difference == pytest.approx(0.012, abs=1e-9)
    assert left.low < left.difference < left.high
    assert left.clear
    assert left.large
    assert left.words == "clear"
    assert right.difference == pytest.approx(plain["contact_time", 1].difference, abs=1e-12)
    assert left.effect == pytest.approx(left.difference / left.spread)


def test_a_session_does_not_differ_from_itself(fatigue):
    _, found = compared(fatigue.steps, fatigue.steps)
    for each in found.values():
        assert each.difference == pytest.approx(0.0, abs=1e-9 * max(1.0, abs(each.a)))
        assert not each.clear
        assert each.words == "cannot be told apart"


def test_the_speed_is_taken_out(fatigue, made):
    """Contact time that falls with speed: no difference between a slow and a fast session that share their law."""
    rng = np.random.default_rng(3)
    made_steps = []
    for slow, fast in ((2.80, 3.20), (2.85, 3.25)):
        a = fatigue.steps
        speed = np.where(a["initial_contact_s"] % 600 < 300, slow, fast)
        contact = 0.25 - 0.05 * (speed - 3.0) + rng.normal(0, 0.003, speed.size)
        made_steps.append(made.changed(a, speed_mps=speed, contact_time_s=contact))
    _, found = compared(*made_steps)
    each = found["contact_time", 0]
    assert abs(each.difference) < 0.0006
    assert each.b - each.a == pytest.approx(-0.0025, abs=0.001), "the plain medians do differ"


def test_other_speeds_are_not_compared(fatigue, made, analysed, tmp_path):
    fast = made.changed(fatigue.steps, speed_mps=fatigue.steps["speed_mps"] + 1.0)
    matched, found = compared(fatigue.steps, fast)
    assert not matched.enough
    assert not found
    assert not matched_steps(fast, course_of(fast), matched.rows[1]).any()
    other = made.folder(tmp_path / "fast", made.run(fast))
    page = write_comparison(analysed["one_sided_fatigue"], other).read_text()
    assert "they cannot be compared" in page


def test_short_sessions_get_no_interval(fatigue):
    short = fatigue.steps.select(fatigue.steps["initial_contact_s"] < 150)
    _, found = compared(fatigue.steps, short)
    each = found["contact_time", 0]
    assert np.isnan(each.low)
    assert each.words == "too short to tell"


def test_the_interval_covers(fatigue, made):
    """Sessions drawn from one law: the interval leaves zero out about as seldom as it says."""
    missed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pair = [
            made.changed(s, contact_time_s=0.25 + rng.normal(0, 0.005, len(s)))
            for s in (fatigue.steps.select(slice(0, 1600)), fatigue.steps.select(slice(1600, 3200)))
        ]
        missed += compared(*pair)[1]["contact_time", 0].clear
    assert missed <= 5


def test_the_page_says_it(analysed, made, tmp_path):
    runner = {"name": "Ada", "shoe": "old"}
    a = made.copy(analysed["steady_rearfoot"], tmp_path / "a", runner=runner)
    b = made.copy(analysed["one_sided_fatigue"], tmp_path / "b", runner=runner | {"shoe": "new"})
    path = write_comparison(a, b)
    assert path == b / "comparison.html"
    page = path.read_text()
    assert "B against A at the same speeds: contact time left +" in page
    assert "different runners" not in page
    assert "No rule fired in this run." in page, "warnings of A"
    assert "Asymmetry growing" in page, "warnings of B"
    other = write_comparison(analysed["steady_rearfoot"], b, tmp_path / "other.html").read_text()
    assert "different runners" in other
    assert path.read_bytes() == write_comparison(a, b).read_bytes(), "the same sessions give the same page"
