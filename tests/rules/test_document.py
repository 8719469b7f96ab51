import re
from pathlib import Path

from soleus.rules import load_presets, read_rules, rules_markdown

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_is_current() -> None:
    mend = "write it anew: python -c 'from soleus.rules import *; print(rules_markdown(load_presets()), end=str())'"
    assert PAGE.read_text("utf-8") == rules_markdown(load_presets()), mend


def test_rules_shown_anywhere_in_the_pages_can_be_used() -> None:
    shown = [
        (page.name, block)
        for page in PAGE.parent.rglob("*.md")
        for block in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        if "[[rule]]" in block
    ]
    assert len(shown) >= 2
    for name, block in shown:
        assert read_rules(block, name)


def test_the_page_names_every_rule_with_its_source() -> None:
    page = rules_markdown(load_presets())
    for rule in load_presets():
        assert f"### {rule.name}\n" in page
        assert rule.text.reference in page
        assert rule.text.caveat in page
