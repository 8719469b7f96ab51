import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.rules import RuleError, load_presets, load_rules, read_rules

GOOD = {
    "name": '"my-rule"',
    "title": '"Mine"',
    "scope": '"window"',
    "signal": '"median(contact_time, 60*s)"',
    "above": '"280 ms"',
    "foot": '"each"',
    "severity": '"info"',
    "message": '"{foot}: {value}"',
    "reference": '"Me"',
}


def _file(**changes: str | None) -> str:
    merged = {**GOOD, **changes}
    return "[[rule]]\n" + "\n".join(f"{key} = {value}" for key, value in merged.items() if value is not None)


def test_a_good_rule_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(_file(), "utf-8")
    (rule,) = load_rules(path)
    assert (rule.name, rule.threshold.node.value) == ("my-rule", 0.28)
    assert load_presets([rule])[-1] is rule


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"sverity": '"info"'}, "unknown key 'sverity'; did you mean 'severity'?"),
        ({"severity": '"loud"'}, "'severity': Invalid enum value 'loud'"),
        ({"severity": None}, "missing required field `severity`"),
        (
            {"signal": '"median(contact_tme, 60*s)"'},
            "'signal': unknown name 'contact_tme'; did you mean 'contact_time'?",
        ),
        ({"above": '"8 cm"'}, "'above' is m but the signal is s"),
        ({"above": '"8 sm"'}, "unknown unit 'sm'"),
        ({"above": "0.28"}, "'above' is a plain ratio but the signal is s"),
        ({"above": '"9 s"'}, "would never fire: the signal lies within 80 ms to 600 ms"),
        ({"above": '"1 ms"'}, "would always fire"),
        ({"above": None}, "either 'above' or 'below'"),
        ({"below": '"200 ms"'}, "either 'above' or 'below'"),
        ({"clear": '"290 ms"'}, "'clear' lies above the threshold"),
        ({"clear": '"1.1*baseline(contact_time)"', "above": '"1.05*baseline(contact_time)"'}, "'clear' lies above"),
        ({"foot": '"both"'}, "verdict is per foot"),
        ({"signal": '"both(contact_time)"'}, "verdict is not per foot"),
        ({"message": '"{valu}"'}, "unknown word '{valu}'; did you mean 'value'?"),
        ({"message": '"{value.__class__}"'}, "unknown word"),
        ({"message": '"{value:>9999999}"'}, "takes no format"),
        ({"message": '"{"'}, "'message'"),
        ({"sustain_s": "-10"}, "'sustain_s'"),
        ({"sustain_s": "15"}, "multiple of 10 s"),
        ({"when": '"contact_time"'}, "is not a comparison"),
        ({"signal": '"contact_time > 1*s"'}, "is not a number"),
        ({"name": '"My Rule"'}, "'name'"),
        ({"show": '{ value = "distance" }'}, "cannot be a name"),
        ({"doi": '"javascript:1"'}, "'doi'"),
    ],
)
def test_a_bad_rule_is_refused_with_file_rule_and_mend(changes: dict[str, str | None], hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_rules(_file(**changes), "own.toml")
    assert str(caught.value).startswith("own.toml: rule '")
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("rule = 3", "not a list of tables"),
        ("[[rul]]", "unknown key 'rul'"),
        ("[[rule", "not valid TOML"),
        (_file() + "\n" + _file(), "stands there twice"),
        ("a = " + "[" * 5000, "not valid TOML"),
        ("#" * 300_000, "larger than"),
        ("[[rule]]\n" * 201, "at most 200"),
    ],
)
def test_a_bad_file_is_refused(text: str, hint: str) -> None:
    with pytest.raises(RuleError, match=r"^own\.toml: .*" + re.escape(hint)):
        read_rules(text, "own.toml")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="cannot be read"):
        load_rules(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"a = '\xff'")
    with pytest.raises(RuleError, match="byte 5 is not UTF-8"):
        load_rules(bad)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD, "clear", "when", "show", "sustain_s", "side"]), st.text(max_size=30)))
def test_any_rule_is_read_or_refused(changes: dict[str, str]) -> None:
    quoted = {key: "'''" + value.replace("'", "") + "'''" for key, value in changes.items()}
    with contextlib.suppress(RuleError):
        read_rules(_file(**quoted))


def test_presets_are_sourced_and_promise_nothing() -> None:
    rules = load_presets()
    assert len(rules) > 40
    for rule in rules:
        assert rule.text.reference
        assert rule.text.caveat
        words = rule.text.message.lower()
        assert not any(
            word in words for word in ("probability", "will get injured", "predict", "risk of injury", "ideal")
        )
        if "impulse" in rule.signal.text or "achilles" in rule.signal.text or "dose" in rule.signal.text:
            assert "modelled" in words
