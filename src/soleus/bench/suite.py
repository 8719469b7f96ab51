"""All benchmarks in one go, as a result that can be kept and compared with an earlier one.

What is measured with a clock is measured several times: the best counts, and how far the times lie apart tells how much
of a difference between two results is noise. What is counted or computed comes out the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from soleus.bench.accuracy import METRICS, FootTrial, measure, report
from soleus.bench.errors import BenchError
from soleus.bench.machine import Machine, this_machine
from soleus.bench.rules import measure_rules
from soleus.bench.speed import Figure, measure_speed
from soleus.bench.truth import find_trials
from soleus.recording.limits import MIB

FORMAT: Final = "soleus.bench"
VERSION: Final = 1
MAX_RESULT_BYTES: Final = 16 * MIB
PERCENT: Final = 100.0
TIMED: Final = frozenset({"s", "ms", "×", "MB"})
"""Units of figures that differ from run to run."""
LEAST_NOISE: Final = 0.03
"""Times of the same program on a quiet machine differ by as much as this share from one hour to the next."""
LEAST_CHANGE: Final = 0.005
"""A figure that is computed changes by as much as this share when sums are added up in another order."""


class Effort(msgspec.Struct, frozen=True):
    """How much is measured: times each clocked figure is taken, and the size of what it is taken on."""

    repeats: int
    session_h: float
    live_s: float
    crowd: bool
    rule_runners: int
    rule_hours: float


FULL: Final = Effort(repeats=3, session_h=1.0, live_s=60.0, crowd=True, rule_runners=100, rule_hours=1.0)
QUICK: Final = Effort(repeats=2, session_h=1 / 12, live_s=15.0, crowd=False, rule_runners=2, rule_hours=0.1)
"""A quick run proves that everything works; its figures of speed and rules are too few to be judged."""

Suite = Literal["speed", "accuracy", "rules"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of a result.

    Attributes
    ----------
    what, value, unit, bar, better
        As in :class:`soleus.bench.speed.Figure`; without a bar ``better`` says which way is better all the same.
    runs
        What each run gave, of a figure that differs from run to run; the value is the best of them.
    """

    suite: Suite
    what: str
    value: float
    unit: str
    bar: float | None
    better: Literal[">=", "<="]
    runs: tuple[float, ...] = ()

    @property
    def holds(self) -> bool | None:
        """Whether the bar is held; ``None`` without a bar."""
        return Figure(what=self.what, value=self.value, unit=self.unit, bar=self.bar, better=self.better).holds

    @property
    def noise(self) -> float:
        """How far the runs lie apart, as the logarithm of a ratio; next to nothing for what is computed."""
        if not self.runs:
            return LEAST_CHANGE
        least, most = min(self.runs), max(self.runs)
        return max(math.log(most / least), LEAST_NOISE) if least > 0 else LEAST_NOISE


class SuiteResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All figures of a run, where and when they were measured."""

    format: str
    version: int
    measured_utc: str
    machine: Machine
    data: str
    quick: bool
    entries: tuple[Entry, ...]


class Change(msgspec.Struct, frozen=True):
    """A figure now and then.

    Attributes
    ----------
    ratio
        New over old; ``None`` if one of them is zero and the other is not.
    beyond_noise
        Whether the change is larger than the spread of the runs explains.
    improved
        Whether it is a change for the better.
    """

    suite: Suite
    what: str
    unit: str
    old: float
    new: float
    ratio: float | None
    beyond_noise: bool
    improved: bool


def run_suite(
    data: Path, *, quick: bool = False, effort: Effort | None = None, tell: Callable[[str], None] = print
) -> SuiteResult:
    """Measure speed, accuracy and rules.

    Parameters
    ----------
    data
        Folder with recordings and their truth, as :func:`soleus.bench.truth.find_trials` finds them.
    quick
        Measure little, without bars that need much.
    effort
        Takes the place of what ``quick`` implies.
    tell
        Is told what is being measured.

    Raises
    ------
    BenchError
        If there is no truth to compare with, or a measuring process fails.
    """
    effort = effort or (QUICK if quick else FULL)
    machine = this_machine()
    trials, _ = find_trials(data)
    tell("accuracy")
    entries = accuracy_entries([foot for trial in trials for foot in measure(trial)[1]])
    runs = []
    for k in range(effort.repeats):
        tell(f"speed, run {k + 1} of {effort.repeats}")
        runs.append(measure_speed(hours=effort.session_h, live_s=effort.live_s, crowd=effort.crowd, tell=tell))
    entries += _best("speed", runs, judged=not quick)
    rules = measure_rules(runners=effort.rule_runners, hours=effort.rule_hours, tell=tell)
    entries += _best("rules", [rules], judged=not quick)
    return SuiteResult(
        FORMAT, VERSION, datetime.now(UTC).isoformat(timespec="seconds"), machine, data.name, quick, tuple(entries)
    )


def accuracy_entries(feet: Iterable[FootTrial]) -> list[Entry]:
    """Contacts found and false, and bias and spread of each metric."""
    made = report(list(feet))
    contacts = max(made.contacts, 1)

    def entry(what: str, value: float, unit: str, better: Literal[">=", "<="] = "<=") -> Entry:
        return Entry("accuracy", what, value, unit, None, better)

    entries = [
        entry("contacts found", PERCENT * made.found / contacts, "%", ">="),
        entry("false contacts", PERCENT * made.false / contacts, "%"),
    ]
    for gait, metrics in (("", made.metrics), ("walking, ", made.walking)):
        for column, agreement in metrics.items():
            name, unit, _ = METRICS[column]
            entries += [
                entry(f"{gait}{name}: bias, whatever its sign", abs(agreement.bias), unit),
                entry(f"{gait}{name}: SD", agreement.sd, unit),
            ]
    return entries


def _best(suite: Suite, runs: Sequence[Sequence[Figure]], *, judged: bool) -> list[Entry]:
    """Put the runs of each figure together."""
    entries = []
    for figures in zip(*runs, strict=True):
        first = figures[0]
        values = tuple(figure.value for figure in figures)
        better: Literal[">=", "<="] = ">=" if first.unit == "×" else first.better
        value = max(values) if better == ">=" else min(values)
        kept = values if first.unit in TIMED or len(set(values)) > 1 else ()
        entries.append(Entry(suite, first.what, value, first.unit, first.bar if judged else None, better, kept))
    return entries


def write_result(result: SuiteResult, path: Path) -> None:
    """Write a result as JSON.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


def read_result(path: Path) -> SuiteResult:
    """Read a result that was kept.

    Raises
    ------
    BenchError
        If it is no such file.
    """
    if not path.is_file():
        raise BenchError(f"{path}: no such file; keep a result with 'soleus bench --out {path.name}'")
    if path.stat().st_size > MAX_RESULT_BYTES:
        raise BenchError(f"{path}: not a result of 'soleus bench': too large for one")
    try:
        result = msgspec.json.decode(path.read_bytes(), type=SuiteResult)
    except msgspec.DecodeError as error:
        raise BenchError(f"{path}: not a result of 'soleus bench' ({error})") from error
    if (result.format, result.version) != (FORMAT, VERSION):
        raise BenchError(f"{path}: a result of another version; measure it again")
    return result


def compare(old: SuiteResult, new: SuiteResult) -> list[Change]:
    """Lay two results beside each other, as far as they hold the same figures.

    Raises
    ------
    BenchError
        If one of them is a quick run and the other is not.

    Examples
    --------
    >>> machine = this_machine()
    >>> def result(*times: float) -> SuiteResult:
    ...     entry = Entry("speed", "batch", min(times), "s", None, "<=", times)
    ...     return SuiteResult(FORMAT, VERSION, "", machine, "", False, (entry,))
    >>> [(c.ratio, c.beyond_noise, c.improved) for c in compare(result(2.0, 2.2), result(1.0, 1.1))]
    [(0.5, True, True)]
    >>> compare(result(2.0, 2.2), result(1.9, 2.1))[0].beyond_noise
    False
    """
    if old.quick != new.quick:
        raise BenchError("a quick run and a full one measure different things; compare two of a kind")
    then = {(entry.suite, entry.what): entry for entry in old.entries}
    return [_change(then[key], entry) for entry in new.entries if (key := (entry.suite, entry.what)) in then]


def _change(old: Entry, new: Entry) -> Change:
    ratio = 1.0 if old.value == new.value else new.value / old.value if old.value and new.value else None
    far = ratio is None or abs(math.log(abs(ratio))) > old.noise + new.noise
    improved = far and (new.value > old.value) == (new.better == ">=")
    return Change(new.suite, new.what, new.unit, old.value, new.value, ratio, far, improved)
