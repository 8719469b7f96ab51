"""What the rules say to a test or to answers: the same words as before a run, and the guidance that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soleus.guidance import Guidance, guidance_for
from soleus.model import SEVERITIES, Runner, Steps
from soleus.rules import HistorySummary, Rule, RuleEngine, load_presets

OF_THE_LOG: Final = ("not-enough-history",)
"""Rules that speak of how much was run, which is not the question of a test."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the rules say: rule, severity, message and source."""

    rule: str
    severity: str
    message: str
    reference: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say, and what may help; nothing of the latter after a stop."""

    findings: tuple[Finding, ...]
    guidance: tuple[Guidance, ...]

    @property
    def stop(self) -> bool:
        """Whether training advice ends here."""
        return any(finding.severity == "stop" for finding in self.findings)


def judge(summary: HistorySummary, runner: Runner | None = None, rules: tuple[Rule, ...] | None = None) -> Verdict:
    """Let the rules look at answers and test results.

    Examples
    --------
    >>> verdict = judge(HistorySummary(red_flags=("pop",), calf_raises_left=20, calf_raises_right=30))
    >>> [finding.rule for finding in verdict.findings], verdict.guidance
    (['red-flag-tear'], ())
    """
    looked_at = [rule for rule in load_presets() if rule.name not in OF_THE_LOG] if rules is None else rules
    said = RuleEngine(runner, looked_at, summary).push(Steps.empty())
    findings = tuple(
        Finding(str(rule), SEVERITIES[severity], str(message), str(reference))
        for rule, severity, message, reference in zip(
            said["rule"], said["severity"], said["message"], said["reference"], strict=True
        )
    )
    return Verdict(findings, guidance_for([(finding.rule, finding.severity) for finding in findings]))
