"""A run while it happens: events of a source into journal and pipeline, and the news of it to whoever wants them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from soleus.ingest.ble.pod_stream import PodCounts
from soleus.ingest.ble.radio import steady_clock
from soleus.live.analysis import LiveAnalysis
from soleus.live.devices import Pods
from soleus.live.ending import close_run
from soleus.live.intake import Intake
from soleus.live.news import Marked, News, Phase, PhaseChanged, RunEnded, RunStatus, Sink, Told
from soleus.live.outcome import Outcome
from soleus.live.outlet import Outlet
from soleus.live.phases import Phases
from soleus.live.recorder import Recorder
from soleus.live.setting import RunSetting
from soleus.live.silence import Attendance
from soleus.live.source import Source
from soleus.model import Foot, Runner
from soleus.recording import JournalFacts
from soleus.rules import HistorySummary, Rule

TAKE_S: Final = 0.05
"""Events are waited for this long at most before commands are looked at [s]."""
PUSH_S: Final = 0.05
"""Samples are handed to the core in pieces of at least this length [s], or when nothing more waits."""
STATUS_S: Final = 1.0
"""The state of the run is told this often [s]."""
STATUS_REAL_S: Final = 0.1
"""… but no more often than this in real time [s], where session time runs faster."""
STOP_S: Final = 40.0
"""How long the source may take to end in order [s real time]."""
ASLEEP_S: Final = 5.0
"""If nobody looked after the run for this long [s real time], the computer slept or the program was halted."""
MAX_PAIN: Final = 10.0


class LiveRun:
    """One run, in a thread of its own. Implements :class:`~soleus.live.news.Controls`.

    Samples go to the journal first, then to the core; sinks get the news behind queues of their own, so that neither
    a slow display nor a full disk reaches the radio.

    Parameters
    ----------
    source
        Where the events come from; a radio must stream already.
    feet
        Feet that have a pod.
    folder
        The session folder to be made; ``None``: nothing is recorded.
    runner, rules, history
        As in :class:`soleus.pipeline.Pipeline`.
    sinks
        Whoever wants the news; more may be added before :meth:`begin`.
    setting
        How it goes.
    facts
        Configuration, source and notes for the record.
    finish
        Called with the outcome once the session is on disk, before the end is told, to add what belongs to it; gives
        sentences for the runner. What it raises is told; the session stays.
    rssi_dbm
        Signal strength by foot, as scanned.

    Examples
    --------
    ::

        with Radio() as radio:
            paired = pair(radio.scan())
            radio.stream(paired.roles)
            run = LiveRun(radio, [Foot.LEFT, Foot.RIGHT], Path("tuesday"))
            run.begin()
            outcome = run.join()
    """

    def __init__(
        self,
        source: Source,
        feet: Collection[Foot],
        folder: Path | None,
        *,
        runner: Runner | None = None,
        rules: Iterable[Rule] | None = None,
        history: HistorySummary | None = None,
        sinks: Sequence[Sink] = (),
        setting: RunSetting | None = None,
        facts: JournalFacts | None = None,
        finish: Callable[[Outcome], Sequence[str]] | None = None,
        rssi_dbm: dict[Foot, int] | None = None,
    ) -> None:
        self.folder = folder
        """The session folder to be made."""
        self._source = source
        self._runner = runner or Runner()
        self._setting = setting or RunSetting()
        self._facts = msgspec.structs.replace(facts or JournalFacts(pods=()), runner=self._runner)
        self._finish = finish
        self._clock = steady_clock()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._sentences: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._outlets = [Outlet(sink, self._sentences.put) for sink in sinks]
        self._recorder = Recorder(folder, self._sentences.put)
        self._pods = Pods(feet, rssi_dbm or {})
        self._intake = Intake(self._pods, self._recorder, self._tell, self._give)
        rules = None if rules is None else tuple(rules)
        self._analysis = LiveAnalysis(self._runner, rules, history, self._recorder, self._give, self._clock)
        self._attendance = Attendance(self._pods, self._analysis, self._tell)
        self._phases = Phases(
            self._pods,
            self._intake,
            self._tell,
            self._tell_phase,
            stand_still=self._setting.stand_still,
            wants_start=not self._setting.wait_for_start,
        )
        self._pushed_s = -np.inf
        self._swap_told = False
        self._stopping_real_s: float | None = None
        self.aborted = False
        """Whether it was left at once."""
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._looked_s = self._status_s = self._status_real_s = -np.inf
        self._awake_real_s = self._clock()
        self._thread = threading.Thread(target=self._run, name="soleus-run", daemon=True)

    # From any thread.

    def add_sink(self, sink: Sink) -> None:
        """Add somebody who wants the news; only before :meth:`begin`."""
        self._outlets.append(Outlet(sink, self._sentences.put))

    def begin(self) -> None:
        """Let the run's thread go."""
        self._awake_real_s = self._clock()
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> Outcome | None:
        """Wait for the end; ``None`` if it has not come within the time, or the run was aborted.

        Raises
        ------
        BaseException
            Whatever broke the run's thread, if something did: an error of this program.
        """
        self._thread.join(timeout_s)
        if self._error is not None and not self._thread.is_alive():
            raise self._error
        return self._outcome

    @property
    def running(self) -> bool:
        """Whether the end has not come yet."""
        return self._thread.is_alive()

    @property
    def begun(self) -> bool:
        """Whether the phase RUNNING was reached."""
        return self._phases.began_s is not None

    @property
    def session_now_s(self) -> float:
        """Session time now [s]."""
        return self._now_s()

    def start(self) -> None:
        """Begin the run, if it waits for that."""
        self._commands.put(self._want_start)

    def stop(self) -> None:
        """End the run in order."""
        self._commands.put(self._stop)

    def lap(self) -> None:
        """Begin a new lap now."""
        self._commands.put(lambda: self._mark("lap", None))

    def pain(self, rating: float) -> None:
        """Note how much the calf hurts now, 0 to 10; the rules hear of it.

        Raises
        ------
        ValueError
            If the rating is not within 0 to 10.
        """
        if not 0.0 <= rating <= MAX_PAIN:
            raise ValueError(f"pain is rated from 0 to 10, not {rating:g}")
        self._commands.put(lambda: self._mark("pain", float(rating)))

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        """Take a belt speed [m/s] and grade typed by hand, as of now."""
        self._source.set_belt(speed_mps, grade)

    def abort(self) -> None:
        """Leave at once: what was recorded stays a journal, for ``soleus recover``."""
        self.aborted = True

    # In the thread.

    def _run(self) -> None:
        try:
            self._outcome = self._follow()
        except BaseException as error:  # noqa: BLE001 - raised again where the end is waited for
            self._error = error
            self._recorder.let_go()
            self._give(RunEnded(self._now_s(), None, f"The run broke off: {type(error).__name__}: {error}"))
        finally:
            for outlet in self._outlets:
                outlet.close()

    def _follow(self) -> Outcome | None:
        if not self._setting.wait_for_start:
            self._open(0.0)
        self._phases.enter(Phase.LOOKING, "Looking for the pods.")
        while not self._intake.ended and not self.aborted:
            events = self._source.take(TAKE_S)
            self._notice_sleep()
            for event in events:
                if isinstance(event, Marked):
                    self._mark(event.kind, event.value)
                else:
                    self._intake.take(event)
            self._obey()
            self._go_on()
            self._push(nothing_waits=not events)
            self._look_after()
            if self._stopping_real_s is not None and self._clock() - self._stopping_real_s > STOP_S:
                self._tell("The pods did not end in order; their last samples may be missing.")
                break
        if self.aborted:
            self._recorder.let_go()
            return None
        return self._end()

    def _now_s(self) -> float:
        return self._intake.time_s(self._source.now_s())

    def _give(self, news: News) -> None:
        for outlet in self._outlets:
            outlet.put(news)

    def _tell(self, sentence: str) -> None:
        self._recorder.event("told", self._now_s(), {"sentence": sentence})
        self._give(Told(self._now_s(), sentence))

    def _tell_phase(self, phase: Phase, sentence: str) -> None:
        now_s = self._now_s()
        self._recorder.event("phase", now_s, {"phase": phase.name.lower(), "sentence": sentence})
        self._give(PhaseChanged(now_s, phase, sentence))

    # Commands.

    def _obey(self) -> None:
        while not self._commands.empty():
            self._commands.get()()
        while not self._sentences.empty():
            self._tell(self._sentences.get())

    def _want_start(self) -> None:
        self._phases.skips_check = self._setting.wait_for_start
        self._phases.wants_start = True

    def _stop(self) -> None:
        if self._stopping_real_s is None:
            self._stopping_real_s = self._clock()
            self._phases.enter(Phase.STOPPING, "Stopping: the pods' last samples are fetched.")
            self._source.stop()

    def _mark(self, kind: str, value: float | None) -> None:
        now_s = self._now_s()
        if kind == "pain" and value is not None:
            self._analysis.tell_pain(now_s, value)
        else:
            self._recorder.event(kind, now_s)
        self._give(Marked(now_s, kind, value))

    def _open(self, zero_s: float) -> None:
        """Let what comes belong to the run."""
        start_utc = self._source.start_utc
        if start_utc is not None:
            self._facts = msgspec.structs.replace(self._facts, start_utc=start_utc + timedelta(seconds=zero_s))
        self._recorder.prepare(self._facts)
        self._intake.open(zero_s)
        if self._pods.infos:
            self._recorder.begin(self._pods.infos)

    def _go_on(self) -> None:
        phases = self._phases
        phases.go_on(self._now_s())
        if phases.phase is Phase.READY and phases.wants_start:
            if not self._intake.is_open:
                self._open(self._source.now_s())
            phases.begin(self._now_s())
        if self._intake.is_open and phases.phase is not Phase.LOOKING:
            self._attendance.admit(self._now_s(), self._intake.newest_s)

    # While it runs.

    def _push(self, *, nothing_waits: bool) -> None:
        intake = self._intake
        if not self._analysis.begun or not (intake.samples or intake.belts):
            return
        if not nothing_waits and intake.newest_s - self._pushed_s < PUSH_S:
            return
        samples, intake.samples = intake.samples, []
        belts, intake.belts = intake.belts, []
        self._pushed_s = intake.newest_s
        self._analysis.push(samples, belts, self._now_s)
        if self._analysis.swapped and not self._swap_told:
            self._swap_told = True
            self._tell("The pods seem to be swapped: left moves like a right foot, or right like a left one.")

    def _look_after(self) -> None:
        """Once a second: silent pods, holes, the end, and the state of the run to whoever wants it."""
        now_s, real_s = self._now_s(), self._clock()
        if now_s - self._looked_s >= STATUS_S:
            self._looked_s = now_s
            self._intake.look_after(now_s)
            self._attendance.look_after(now_s)
            if now_s >= self._ends_s:
                self._stop()
        told_real_s = real_s - self._status_real_s
        if told_real_s >= STATUS_S or (told_real_s >= STATUS_REAL_S and now_s - self._status_s >= STATUS_S):
            self._status_s, self._status_real_s = now_s, real_s
            self._give(self._status(now_s, real_s))

    @property
    def _ends_s(self) -> float:
        """Session time at which the run is to end [s]."""
        began_s, setting = self._phases.began_s, self._setting
        after_s = np.inf if began_s is None or setting.seconds is None else began_s + setting.seconds
        return min(after_s, np.inf if setting.until_s is None else setting.until_s)

    def _status(self, now_s: float, real_s: float) -> RunStatus:
        return RunStatus(
            session_now_s=now_s,
            phase=self._phases.phase,
            pods=self._pods.statuses,
            belt_speed_mps=self._intake.belt_speed_mps,
            belt_grade=self._intake.belt_grade,
            heart_rate_bpm=self._intake.heart_rate_bpm,
            latency_s=self._analysis.figures.recent_latency_s,
            on_disk_s=self._recorder.safe_until_s(real_s, self._intake.newest_s),
            trouble=tuple(filter(None, (self._recorder.trouble, *self._pods.troubles))),
        )

    def _notice_sleep(self) -> None:
        real_s = self._clock()
        asleep_s, self._awake_real_s = real_s - self._awake_real_s, real_s
        if asleep_s > ASLEEP_S:
            self._recorder.event("asleep", self._now_s(), {"seconds": asleep_s})
            self._tell(
                f"The computer slept or the program was halted for {asleep_s:.0f} s; "
                "what the pods no longer hold of that time is missing."
            )

    # The end.

    def _end(self) -> Outcome:
        if self._phases.phase is not Phase.STOPPING:
            self._phases.enter(Phase.STOPPING, "Stopping.")
        if self._intake.is_open:
            self._attendance.admit(self._now_s(), self._intake.newest_s)
        self._push(nothing_waits=True)
        self._analysis.finish(self._now_s())
        self._obey()
        counts = self._pods.by_foot(self._count())
        outcome, sentence = close_run(
            self._recorder, self._intake, self._analysis, self._pods, counts, self._facts, self._tell
        )
        if self._finish is not None and outcome.folder is not None:
            try:
                for told in self._finish(outcome):
                    self._tell(told)
            except Exception as error:  # noqa: BLE001 - the session is safe; what comes on top may fail as it likes
                self._tell(f"{outcome.folder}: the session is whole, but not all of its tables: {error}")
        self._phases.phase = Phase.ENDED
        self._give(self._status(self._now_s(), self._clock()))
        self._give(RunEnded(self._now_s(), outcome.folder, sentence))
        return outcome

    def _count(self) -> Mapping[str, PodCounts]:
        """Ask the source what became of the samples; one that has died does not know."""
        try:
            return self._source.counts()
        except (ValueError, RuntimeError, OSError) as error:
            self._tell(f"What was lost on the way was not counted to the end: {error}")
            return {}
