"""The way of a run from looking for the pods to running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from soleus.live.devices import Pods
from soleus.live.intake import Intake
from soleus.live.news import Phase
from soleus.live.standing import STAND_S, StandStill

READY_WAIT_S: Final = 20.0
"""A second pod is waited for this long after the first is ready [s]."""
STAND_WAIT_S: Final = 15.0
"""Samples of somebody who stands still are waited for this long [s]: the pods' clocks have to settle first."""


class Phases:
    """Where a run is, and what it waits for.

    Parameters
    ----------
    pods, intake
        Of the run.
    tell
        Takes a sentence for the runner.
    entered
        Called with each phase that is entered, and a sentence for it.
    stand_still
        Check the pods while the runner stands still.

    Attributes
    ----------
    phase
        Where the run is.
    wants_start
        Whether it may begin.
    skips_check
        Whether the runner pressed start and does not want to wait for the check.
    began_s
        Session time at which it began [s].
    """

    def __init__(
        self,
        pods: Pods,
        intake: Intake,
        tell: Callable[[str], None],
        entered: Callable[[Phase, str], None],
        *,
        stand_still: bool,
        wants_start: bool,
    ) -> None:
        self.phase = Phase.LOOKING
        self.wants_start = wants_start
        self.skips_check = False
        self.began_s: float | None = None
        self._pods = pods
        self._intake = intake
        self._tell = tell
        self._entered = entered
        self._stand_still = stand_still
        self._check: StandStill | None = None
        self._check_since_s = 0.0
        self._first_ready_s: float | None = None

    def enter(self, phase: Phase, sentence: str) -> None:
        """Enter a phase."""
        self.phase = phase
        self._entered(phase, sentence)

    def go_on(self, now_s: float) -> None:
        """Take the steps for which it is time, up to READY."""
        if self.phase is Phase.LOOKING and self._pods_ready(now_s):
            if self._stand_still:
                self._check, self._check_since_s = StandStill(tuple(self._pods.infos), now_s), now_s
                self._intake.look(self._check.take)
                self.enter(Phase.STANDING, f"Stand still for {STAND_S:.0f} seconds.")
            else:
                self._be_ready("The pods are ready.")
        check = self._check
        stood = check is not None and (check.ready or now_s - self._check_since_s > STAND_WAIT_S)
        if self.phase is Phase.STANDING and check is not None and (stood or self.skips_check):
            self._intake.look(None)
            findings = check.findings(self._pods.infos) if stood else ()
            for finding in findings:
                self._tell(finding)
            well = "The pods are at rest and measure gravity: all is well." if stood else "The pods are ready."
            self._be_ready("The pods are ready, but see what was said of them." if findings else well)

    def begin(self, now_s: float) -> None:
        """Run."""
        self.began_s = now_s
        self.enter(Phase.RUNNING, "Run.")

    def _pods_ready(self, now_s: float) -> bool:
        if not self._pods.infos:
            return False
        if self._first_ready_s is None:
            self._first_ready_s = now_s
        if not self._pods.missing:
            return True
        if now_s - self._first_ready_s < READY_WAIT_S:
            return False
        for foot in self._pods.missing:
            self._tell(f"The {foot.label} pod does not come; the run goes on without it until it does.")
        return True

    def _be_ready(self, sentence: str) -> None:
        self.enter(Phase.READY, sentence if self.wants_start else f"{sentence} Press start to begin.")
