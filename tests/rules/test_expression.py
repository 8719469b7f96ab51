import contextlib
import re
import string

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.rules import RuleError, parse
from soleus.rules.evaluate import Frame, Plan, row_name
from soleus.rules.evaluate_one import evaluate_at
from soleus.rules.expression import MAX_LENGTH, intern, walk

CONTEXT, NEW = 12, 7
WINDOWED_NAMES = ["median", "mean", "min", "max", "last", "slope", "spread", "share", "count"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("contact_tiem > 1*s", "did you mean 'contact_time'"),
        ("medain(contact_time, 60*s)", "did you mean 'median'"),
        ("contact_time.left > 1*s", "attribute"),
        ("__import__('os').system('id')", "unknown function"),
        ("contact_time ** 2", "operator outside"),
        ("[x for x in (1, 2)]", "not part of the rule language"),
        ("lambda: 1", "not part of the rule language"),
        ("'a' > 'b'", "not a number"),
        ("contact_time > 8*cm", "same unit"),
        ("contact_time + 8", "with its unit"),
        ("median(contact_time, 60)", "must be a time"),
        ("median(contact_time, 65*s)", "multiple of 10 s"),
        ("median(contact_time, 2*hour)", "between 10 s and 30 min"),
        ("median(mean(contact_time, 60*s), 60*s)", "window inside a window"),
        ("baseline(contact_time + 1*s)", "bare name"),
        ("left(distance)", "each foot"),
        ("not contact_time", "needs a comparison"),
        ("contact_time and cadence > 170*spm", "is a number"),
        ("contact_time == 1*s", "< <= > >="),
        ("share(contact_time, 60*s)", "needs a comparison"),
        ("median(contact_time, 60*s, 3)", "takes 2"),
        ("median(x=contact_time)", "takes 2"),
        ("1/0", "divides by zero"),
        ("1e999", "too large"),
        ("(" * 300 + "1" + ")" * 300, "characters"),
        ("-" * 200 + "1", "nested deeper"),
        ("1+" * 100 + "1", "nested deeper"),
        ("greater(" * 60 + "1" + ",1)" * 60, "characters"),
        ("", "no expression"),
        ("x := 3", "no expression"),
        ("1\x00", "no expression"),
        ("9" * (MAX_LENGTH + 1), "characters"),
    ],
)
def test_what_is_not_of_the_language_is_refused_with_the_mend(text: str, hint: str) -> None:
    with pytest.raises(RuleError, match=re.escape(hint)):
        parse(text)


def test_units_work_through() -> None:
    z = parse("(overstride - 13.3*cm - 5.2*cm/mps*(speed - 3.2*mps)) / (2.8*cm)")
    assert z.shape.dimension == ()
    assert parse("262*ms*sqrt(3.2*mps/speed)").shape.dimension == parse("contact_time").shape.dimension
    assert parse("2.3*mps < speed < 5*mps").shape.truth


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=string.printable + "é°\x00\u2028", max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(RuleError):
        parse(text)


NUMBERS = st.sampled_from(
    ["contact_time", "step_time", "left(contact_time)", "both(step_time)", "0.25*s", "baseline(contact_time)",
     "matched(contact_time)", "usual(step_time)", "time_since_hard", "running_time", "usual_spread(contact_time)"]
)  # fmt: skip


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.builds(lambda p, o: f"({p[0]} {o} {p[1]})", pair, st.sampled_from("+-")),
        st.builds(lambda a, k: f"({a} * {k})", inner, st.sampled_from(["2", "-0.3", "cadence/(170*spm)"])),
        st.builds(lambda p, q: f"({p[0]} / {p[1]} * {q})", pair, NUMBERS),
        st.builds(lambda a: f"abs({a})", inner),
        st.builds(lambda a: f"sqrt({a} * 1*s)", inner),
        st.builds(lambda p, f: f"{f}({p[0]}, {p[1]})", pair, st.sampled_from(["greater", "lesser", "or_else"])),
    )


PLAIN = st.recursive(NUMBERS, _combine, max_leaves=4)
WINDOWED = st.builds(
    lambda f, a, w: f"{f}({a}, {w}*s)",
    st.sampled_from(["median", "mean", "min", "max", "last", "spread"]),
    PLAIN,
    st.sampled_from([10, 20, 60, 70]),
)
TRUTHS = st.one_of(
    st.builds(
        lambda a, o, b: f"{a} {o} {b}", st.one_of(PLAIN, WINDOWED), st.sampled_from(["<", "<=", ">", ">="]), PLAIN
    ),
    st.builds(lambda a, b: f"count({a} > {b}, 60*s) > 2 or not known({a})", PLAIN, PLAIN),
    st.builds(lambda a, b: f"not (share({a} > {b}, 50*s) > 0.4 and slope({a}, 40*s) > 0)", PLAIN, PLAIN),
)
VALUES = st.one_of(st.floats(-2.0, 2.0, width=32), st.sampled_from([0.0, -0.0, 0.25]), st.just(float("nan")))


def _frame(rows: dict[str, np.ndarray], constants: dict[str, float]) -> Frame:
    """A frame of rows of one or two columns."""
    table = np.stack([np.broadcast_to(values, (values.shape[0], 2)) for values in rows.values()])
    return Frame(table, {name: row for row, name in enumerate(rows)}, CONTEXT, constants)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    st.lists(st.one_of(PLAIN, WINDOWED, TRUTHS), min_size=1, max_size=4),
    st.lists(VALUES, min_size=40, max_size=40),
    st.integers(0, 2**31),
)
def test_scalar_and_vectorised_give_the_same_bits(texts: list[str], values: list[float], seed: int) -> None:
    nodes, shared = [], {}
    for text in texts:
        with contextlib.suppress(RuleError):
            nodes.append(intern(parse(text).node, shared))
    rng = np.random.default_rng(seed)
    total = CONTEXT + NEW
    pool = np.array(values)
    names = {
        "contact_time",
        "step_time",
        "cadence",
        *(name for node in nodes for name in map(row_name, walk(node)) if name),
    }
    rows = {name: rng.choice(pool, (total, 2)) for name in sorted(names - {"time_since_hard"})}
    rows["running_time"] = rng.choice(pool, (total, 1))
    frame = _frame(rows, {"time_since_hard": 0.3})
    found = Plan(nodes, frame.index).run(frame)
    assert found.shape == (len(nodes), NEW, 2)
    one = [[[evaluate_at(node, frame, CONTEXT + i, foot) for foot in (0, 1)] for i in range(NEW)] for node in nodes]
    np.testing.assert_array_equal(found, np.array(one, np.float64).reshape(found.shape), str(texts))


def test_bin_by_bin_gives_the_same_bits_as_all_at_once() -> None:
    texts = [
        f"{f}({'contact_time > 0.1*s' if f in ('share', 'count') else 'contact_time'}, 120*s)" for f in WINDOWED_NAMES
    ]
    nodes = [parse(text).node for text in texts]
    rng = np.random.default_rng(1)
    rows = {
        "contact_time": np.where(rng.random((CONTEXT + NEW, 2)) < 0.3, np.nan, rng.normal(0.2, 0.1, (CONTEXT + NEW, 2)))
    }
    whole = _frame(rows, {})
    plan = Plan(nodes, whole.index)
    at_once = plan.run(whole)
    for i in range(NEW):
        alone = Frame(whole.table[:, i : i + CONTEXT + 1], whole.index, CONTEXT, {})
        assert plan.run(alone).tobytes() == at_once[:, i : i + 1].tobytes()


def test_windows_of_many_bins_stay_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [parse("slope(contact_time, 120*s)").node]
    frame = _frame({"contact_time": np.random.default_rng(1).random((CONTEXT + NEW, 2))}, {})
    whole = Plan(nodes, frame.index).run(frame)
    monkeypatch.setattr("soleus.rules.evaluate.MAX_WINDOW_VALUES", 300)
    assert Plan(nodes, frame.index).run(frame).tobytes() == whole.tobytes()
    monkeypatch.setattr("soleus.rules.evaluate.MAX_TABLE", 40)
    assert Plan(nodes, frame.index).max_bins == 10


def test_unknown_never_makes_anything_true() -> None:
    frame = _frame({"contact_time": np.full((CONTEXT + 1, 2), np.nan)}, {})
    for text in ("contact_time > 0.1*s", "not contact_time > 0.1*s", "median(contact_time, 60*s) < 1*s"):
        assert np.isnan(Plan([parse(text).node], frame.index).run(frame)).all()
