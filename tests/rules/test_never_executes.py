"""Rule files and expressions are read, never run: no text of theirs starts, opens or imports anything."""

import contextlib
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.rules import RuleError, load_presets, parse, read_rules

WATCHED = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "shutil.", "builtins.input", "pty.")
load_presets()  # the annotations of our own structures are looked up once, when the first rule is read
_seen: list[str] = []
_watching = False


def _hook(event: str, _arguments: tuple[object, ...]) -> None:
    if _watching and event.startswith(WATCHED):
        _seen.append(event)


sys.addaudithook(_hook)  # cannot be taken away again; it listens only while asked


@contextlib.contextmanager
def nothing_is_run():
    global _watching  # noqa: PLW0603 - the hook is global too
    _seen.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert _seen == []


EVIL = [
    "__import__('os').system('touch /tmp/x')",
    "open('/etc/passwd')",
    "().__class__.__bases__[0].__subclasses__()",
    "[x for x in ().__class__.__mro__]",
    "(lambda: __import__('os'))()",
    "eval('1')",
    "exec('import os')",
    "f'{__import__(\"os\")}'",
    "contact_time.__class__",
    "median.__globals__",
    "breakpoint()",
    "input()",
    "x := __import__('os')",
    "await contact_time",
    "yield 1",
    "9**9**9",
    "1 if open('x') else 2",
    "{**globals()}",
    "print(*open('x'))",
]


@pytest.mark.parametrize("text", EVIL)
def test_evil_text_is_refused_and_not_run(text: str) -> None:
    with nothing_is_run(), pytest.raises(RuleError) as caught:
        parse(text)
    assert len(str(caught.value)) < 400


WORDS = ["contact_time", "median(", ")", "60*s", ">", "1", ".", "(", ",", "and", "\n", "\\", "'"]
PARTS = st.sampled_from([*EVIL, *WORDS])
TEXTS = st.lists(PARTS, max_size=8).map(" ".join)
KEYS = st.sampled_from(["signal", "above", "clear", "when", "side", "message", "name", "title", "reference", "show"])


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_mixture_of_such_text_runs(text: str) -> None:
    with nothing_is_run(), contextlib.suppress(RuleError):
        parse(text)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, TEXTS, max_size=4))
def test_no_rule_of_such_text_runs(changes: dict[str, str]) -> None:
    good = {
        "name": "a", "title": "A", "scope": "window", "signal": "both(contact_time)", "above": "250 ms",
        "severity": "info", "message": "{value}", "reference": "me",
    }  # fmt: skip
    quoted = {key: "'''" + value.replace("'", "") + "'''" for key, value in (good | changes).items()}
    text = "[[rule]]\n" + "\n".join(f"{key} = {value}" for key, value in quoted.items())
    with nothing_is_run():
        try:
            read_rules(text, "own.toml")
        except RuleError as error:
            assert str(error).startswith("own.toml: ")  # noqa: PT017 - either way is right


TOML_VALUES = st.recursive(
    st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.text("ab\u00e9 {}", max_size=8).map(repr)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


SOME_KEYS = st.sampled_from(["name", "signal", "above", "show", "sustain_s", "doi", "scope", "foot", "x"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(SOME_KEYS, TOML_VALUES))
def test_values_of_any_kind_are_refused_by_name(entry: dict[str, object]) -> None:
    if not entry:
        return
    body = "\n".join(f"{key} = {str(v).lower() if isinstance(v, bool) else v}" for key, v in entry.items())
    with pytest.raises(RuleError, match=r"^own\.toml: "):
        read_rules("[[rule]]\n" + body, "own.toml")
