import re
from pathlib import Path

import pytest

from soleus.guidance import MAX_SHOWN, guidance_for, guidance_markdown, load_guidance
from soleus.rules import load_presets

PAGE = Path(__file__).parents[2] / "docs" / "guidance.md"
RULES = {rule.name: rule.text.severity for rule in load_presets()}


def test_every_entry_is_sourced_and_fits_known_rules_that_do_not_stop():
    names = [each.name for each in load_guidance()]
    assert len(set(names)) == len(names)
    for each in load_guidance():
        assert each.reference
        assert each.not_when
        for rule in each.rules:
            assert RULES[rule] != "stop", (each.name, rule)


@pytest.mark.parametrize("rule", RULES)
def test_a_warning_links_to_one_or_two_and_a_stop_to_none(rule):
    count = len(guidance_for([(rule, RULES[rule])]))
    assert count == 0 if RULES[rule] == "stop" else 1 <= count <= MAX_SHOWN


def test_a_stop_suppresses_all_of_it():
    assert guidance_for([("overstride", "notice")])
    assert guidance_for([("overstride", "notice"), ("pain-stop", "stop")]) == ()
    assert guidance_for([]) == ()


def test_what_the_evidence_does_not_support_is_not_said():
    text = " ".join(f"{each.title} {each.text} {each.not_when}" for each in load_guidance()).lower()
    assert not re.search(
        r"risk of injury|injury probability|prevents? injur|you have|diagnos|cures?\b(?<!not cure)", text
    )
    assert "ideal" not in text.replace("no foot strike is ideal", "")


def test_the_page_is_current():
    mend = "write it anew: python -c 'from soleus.guidance import *; print(guidance_markdown(), end=str())'"
    assert PAGE.read_text("utf-8") == guidance_markdown(), mend
