"""What the rules must cover: each finding that bears on the calf, and the rules that speak of it."""

from pathlib import Path

import pytest

from soleus.rules import load_presets, rules_markdown

RULES = {rule.name: rule for rule in load_presets()}
PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")

FINDINGS: dict[str, set[str]] = {
    "sudden rise of the workload, distance": {"distance-100", "distance-110", "distance-130", "distance-200"},
    "sudden rise of the workload, modelled load": {"impulse-100", "impulse-110", "impulse-130", "impulse-200"},
    "added speed": {"first-speed", "dose-110", "peak-110"},
    "added hills": {"first-hills", "more-hills", "dose-110"},
    "too little recovery": {"little-recovery", "little-recovery-after-spike", "gym-and-run"},
    "not enough history": {"not-enough-history"},
    "longer ground contact": {"long-contact", "contact-time-drift"},
    "large vertical oscillation": {"vertical-oscillation", "oscillation-drift"},
    "overstriding": {"overstride-watch", "overstride", "overstride-drift"},
    "cadence too low, or dropping": {"cadence-opportunity", "cadence-drop"},
    "more load from forefoot, barefoot or a low drop": {"strike-pattern-change", "shoe-drop", "strike-drift"},
    "heels that never come down": {"heel-never-down"},
    "pushing off": {"achilles-peak-drift"},
    "modelled load drifting within the run": {"achilles-impulse-drift"},
    "a leg spring that tires": {"stiffness-drop"},
    "soft ground": {"soft-ground"},
    "newly on the treadmill": {"treadmill-share"},
    "side to side, contact and load": {"asymmetry-watch", "asymmetry-high", "asymmetry-growing", "load-asymmetry"},
    "side to side, tests": {"calf-raise-difference", "bent-knee-raise-difference"},
    "calf-raise endurance": {"calf-raise-endurance"},
    "ankle range": {"ankle-range-low", "ankle-range-difference", "wall-distance-low", "wall-distance-difference"},
    "pain that comes on or worsens": {
        "pain-before", "pain-last-run", "pain-noted", "pain-stop", "pain-rising", "pain-with-gait-change",
    },
    "soreness that stays or grows": {"soreness-long", "soreness-worse"},
    "red flag: muscle or tendon tear": {"red-flag-tear"},
    "red flag: clot": {"red-flag-clot"},
    "red flag: clot that has moved": {"red-flag-emergency"},
    "red flag: nerve": {"red-flag-nerve"},
    "red flag: severe or rest pain, fever": {"red-flag-severe"},
    "red flag: compartment or vessel": {"red-flag-pressure"},
}  # fmt: skip


@pytest.mark.parametrize("finding", FINDINGS)
def test_each_finding_has_its_rules_on_the_page_with_source_and_caveat(finding: str) -> None:
    for name in FINDINGS[finding]:
        section = PAGE.split(f"### {name}\n")[1].split("\n### ")[0]
        assert f"- *source* {RULES[name].text.reference}" in section
        assert f"- *caveat* {RULES[name].text.caveat}" in section
        assert RULES[name].text.message in section


def test_every_rule_belongs_to_a_finding_and_the_page_is_theirs() -> None:
    assert set().union(*FINDINGS.values()) == set(RULES)
    assert rules_markdown(RULES.values()) == PAGE


def test_what_stops_and_what_only_informs() -> None:
    stops = {name for name, rule in RULES.items() if rule.text.severity == "stop"}
    assert stops == {name for name in RULES if name.startswith("red-flag-")} | {
        "pain-before", "pain-stop", "pain-rising", "pain-with-gait-change",
    }  # fmt: skip
    for weak in ("achilles-peak-drift", "heel-never-down", "vertical-oscillation", "treadmill-share", "soft-ground"):
        assert RULES[weak].text.severity == "info", "weak evidence is for information only"
