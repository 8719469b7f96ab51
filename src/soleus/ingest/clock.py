"""Device time to session time: one mapping, the same live and redone after the fact.

A pod stamps its samples with its own clock; radio delivers them in bursts, tens of milliseconds late. Two kinds of
records tie that clock to the session's. *Arrivals* of packets come late, never early: session minus device time has
their earliest as a lower envelope (Moon, Skelly & Towsley 1999, doi:10.1109/INFCOM.1999.749287). *Exchanges* of four
time stamps (RFC 5905 section 8) bound it from the other side: a request reaches the pod after it was sent. The truth
lies between the two envelopes; their middle is taken, half their distance is a bound of the error. Taking the best of
each direction is sharper than taking the exchanges of shortest round trip: in Bluetooth LE the answer always waits for
the next connection event, so that no single exchange is good both ways.

The mapping is a continuous, rising, piecewise linear function with knots on a fixed grid of device time. A knot is
set from the records that came before, once, when the first record comes close to it, and never moves again. It is
thus a function of the sequence of records alone: whoever feeds the same records in the same order, from the radio or
from a journal, at any speed and in any pieces, gets the same times bit for bit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from soleus.model import FloatArray

KNOT_STEP_S: Final = 2.0
"""Distance of the knots [s device time]: short against the time in which crystals drift by the error bars."""
LOOK_AHEAD_S: Final = 0.5
"""A knot is set when a record comes this close [s]: more than any packet lasts, so all its samples have a time."""
JUMP_MAX_S: Final = 86_400.0
"""A device time this far from the last is a damaged stamp or another boot, not a gap [s]."""
RATE_PRIOR: Final = 200e-6
"""Standard deviation of clock rates before any record [1]: ceramic resonators reach 100 ppm and more, crystals stay
within 20-50 ppm."""
SLEW_MAX: Final = 2e-3
"""Greatest departure of the mapping's slope from 1 [1]: corrections are spread so that no interval is wrong by more
than 0.2 %, a fifth of the error bar of contact time."""

WINDOW_S: Final = 180.0
"""Records older than this are forgotten [s]: long enough for the phase locking of packets and connection events,
which crystals 20 ppm apart undo at 20 µs/s, to pass; short against the warming of a pod on a foot."""
ARRIVAL_BIN_S: Final = 0.5
"""Of each such piece of device time only the earliest arrival is kept [s]."""
REQUEST_BIN_S: Final = 4.0
"""The same for requests [s]: longer, so that the best of a piece is chosen among as many (some 25)."""
EXCHANGES_MIN: Final = 12
"""Exchanges needed before they are used: with fewer, none may have met a good phase of the connection interval."""
SPAN_MIN_S: Final = 5.0
"""Arrivals must span this before a fit [s]."""
ENVELOPE_DEPTH_S: Final = 0.5e-3
"""Depth of the soft edge of an envelope [s]: jitter of stack and scheduler."""
LATENCY_PRIOR_S: Final = 1e-3
"""Shortest way through stack and radio, one direction, before any record [s]: a packet of 130 B lasts 0.6-1.2 ms on
1M PHY, its processing some tenths of a millisecond."""
LATENCY_SPREAD_S: Final = 0.5e-3
"""Standard deviation of the same [s]."""
REQUEST_DEPTH_S: Final = 2.5e-3
"""The same for requests [s]: they are few, so the best of a piece of time still waited about a millisecond."""
REQUEST_BINS_MIN: Final = 6
"""Pieces of time with requests before an unusual distance of the envelopes is believed: some 150 requests, whose best
waited far less than a millisecond."""
ENVELOPE_ITERATIONS: Final = 12
"""Reweighting steps."""
ROUND_TRIP_MAX_S: Final = 1.0
"""Exchanges slower than this tell nothing: the answer waited in a queue [s]."""
SETTLED_S: Final = 0.3e-3
"""A knot nearer than this to where the fit wants it is settled [s]."""


class ClockError(ValueError):
    """A time stamp cannot be of this clock, or a time is asked for that has none yet."""


class Arrival(NamedTuple):
    """A packet came: device time of its *last* sample, session time of its arrival [s]. Never of backfill."""

    device_s: float
    arrival_s: float


class Exchange(NamedTuple):
    """Four stamps: session time sent, device time received and answered, session time of the answer [s]."""

    sent_s: float
    device_received_s: float
    device_sent_s: float
    received_s: float

    @property
    def round_trip_s(self) -> float:
        """Time spent on the way, both ways [s]."""
        return (self.received_s - self.sent_s) - (self.device_sent_s - self.device_received_s)

    @property
    def device_s(self) -> float:
        """Device time of the exchange [s]."""
        return (self.device_received_s + self.device_sent_s) / 2


@dataclass(slots=True)
class Unwrapper:
    """Undoes the wrapping of a counter or clock: the value nearest to the latest one.

    Attributes
    ----------
    modulus
        Where it wraps; ``None`` if it does not.
    latest
        Greatest value so far, ``None`` before the first.

    Examples
    --------
    >>> time_us = Unwrapper(2**32)
    >>> [time_us(raw) - 2**32 for raw in (2**32 - 5, 3, 2**32 - 1, 10)]
    [-5, 3, -1, 10]
    """

    modulus: int | None
    latest: int | None = None

    def __call__(self, raw: int) -> int:
        """Unwrap one value; older ones (backfill) may come at any time."""
        if self.modulus is None or self.latest is None:
            value = raw
        else:
            half = self.modulus // 2
            value = self.latest + (raw - self.latest + half) % self.modulus - half
        self.latest = value if self.latest is None else max(self.latest, value)
        return value


@dataclass(frozen=True, slots=True)
class ClockReport:
    """How well a clock is known.

    Attributes
    ----------
    source
        ``'exchanges'``, ``'arrivals'`` or ``'none'``.
    rate_ppm
        How much faster the session's clock runs than the pod's [1e-6]; ``None`` before a fit.
    precision_s
        Standard error of the fit, beside what all records have in common [s].
    bias_bound_s
        Half the distance of the two envelopes: the mapping cannot be off by more than this and the precision [s].
        ``None`` without exchanges, when all that is known is that the fit is late rather than early.
    residual_s
        Median distance of the believed records from their envelope [s].
    records
        Pieces of time with records that the last fit rests on.
    slewing
        The last knot is not yet where the fit wants it.
    """

    source: str = "none"
    rate_ppm: float | None = None
    precision_s: float | None = None
    bias_bound_s: float | None = None
    residual_s: float | None = None
    records: int = 0
    slewing: bool = False


class _Line(NamedTuple):
    """Offset [s] = ``offset_s + rate * (device_s - centre_s)``; envelopes ``half_width_s`` above and below."""

    centre_s: float
    offset_s: float
    rate: float
    half_width_s: float
    precision_s: float
    residual_s: float

    def at(self, device_s: float) -> float:
        return device_s + self.offset_s + self.rate * (device_s - self.centre_s)


class _Extremes:
    """The least value of each bin of device time, within the window."""

    def __init__(self, bin_s: float) -> None:
        self.bin_s = bin_s
        self.bins: deque[tuple[int, float, float]] = deque()

    def add(self, device_s: float, value_s: float) -> None:
        number = int(device_s // self.bin_s)
        if not self.bins or number > self.bins[-1][0]:
            self.bins.append((number, device_s, value_s))
        elif number == self.bins[-1][0] and value_s < self.bins[-1][2]:
            self.bins[-1] = (number, device_s, value_s)

    def forget_before(self, device_s: float) -> None:
        while self.bins and self.bins[0][1] < device_s:
            self.bins.popleft()

    @property
    def span_s(self) -> float:
        return self.bins[-1][1] - self.bins[0][1] if self.bins else 0.0

    def columns(self) -> tuple[FloatArray, FloatArray]:
        table = np.array(self.bins, np.float64).reshape(-1, 3)
        return table[:, 1], table[:, 2]


def _fit(arrivals: _Extremes, requests: _Extremes | None, answers: _Extremes | None) -> _Line:
    """Fit the soft envelopes with a common rate.

    ``arrivals`` and ``answers`` hold session minus device time, ``requests`` device minus session time. Answers wait
    for the next connection event, each as long as the other: they tell the rate, not the offset, and have a distance
    of their own. Weighted least squares, repeated: what lies outside an envelope's soft edge counts by the square of
    a Lorentzian less.
    """
    groups = [(arrivals, 1.0), *((g, s) for g, s in ((requests, -1.0), (answers, 1.0)) if g is not None and g.bins)]
    device_s = np.concatenate([group.columns()[0] for group, _ in groups])
    value_s = np.concatenate([sign * group.columns()[1] for group, sign in groups])
    number = np.repeat(np.arange(len(groups)), [len(group.bins) for group, _ in groups])
    side = np.repeat([sign for _, sign in groups], [len(group.bins) for group, _ in groups])
    centre, base = float(device_s[0]), float(value_s[0])
    x, y = device_s - centre, value_s - base
    depth_s = np.where(side > 0, ENVELOPE_DEPTH_S, REQUEST_DEPTH_S)
    edges = [float((sign * y[number == i]).min()) * sign for i, (_, sign) in enumerate(groups)]
    # Middle, rate, half distance of the envelopes, and what the answers wait beyond that.
    design = np.stack([np.ones(x.size), x, side, (number == 2) * 1.0])  # noqa: PLR2004 - the answers' group
    seen = requests is not None and len(requests.bins) >= REQUEST_BINS_MIN
    half = (edges[0] - edges[1]) / 2 if seen else LATENCY_PRIOR_S
    wait = edges[2] - edges[0] if len(groups) > 2 else 0.0  # noqa: PLR2004
    answer = np.array([edges[0] - half, 0.0, half, wait])
    for _ in range(ENVELOPE_ITERATIONS):
        # A half distance far from what is usual is believed: packets may be locked to the connection interval.
        doubt = 1 / (LATENCY_SPREAD_S**2 + (answer[2] - LATENCY_PRIOR_S) ** 2)
        prior = np.diag([0.0, RATE_PRIOR**-2, doubt, 1.0])
        pull = prior @ np.array([0.0, 0.0, LATENCY_PRIOR_S, 0.0])
        outside = np.maximum((y - answer @ design) * side, 0.0)
        information = depth_s**2 / (depth_s**2 + outside**2) ** 2
        covariance = np.linalg.inv((design * information) @ design.T + prior)
        answer = covariance @ (design @ (information * y) + pull)
    residual = np.abs(y - answer @ design)[information >= 1 / (4 * depth_s**2)]
    return _Line(
        centre,
        base + float(answer[0]),
        float(answer[1]),
        float(answer[2]),
        float(np.sqrt(covariance[0, 0])),
        float(np.median(residual)) if residual.size else float(ENVELOPE_DEPTH_S),
    )


@dataclass(slots=True)
class DeviceClock:
    """Maps the time of one pod, from one boot to the next, to session time.

    Parameters
    ----------
    bias_s
        Known lateness of the fit [s], subtracted. Constant for the clock's life.

    Notes
    -----
    Arrivals alone are used until enough exchanges have come. Before the first knots are set nothing can be mapped
    (:attr:`ready`); the first piece then reaches back without end.

    Examples
    --------
    >>> clock = DeviceClock()
    >>> for i in range(600):
    ...     clock.add(Arrival(0.02 * i, 100.0 + 0.02 * i + (0.001 if i % 7 == 0 else 0.009)))
    >>> clock.ready, clock.map(np.array([0.0, 5.0])).round(3)
    (True, array([100., 105.]))
    """

    bias_s: float = 0.0
    _latest_s: float | None = field(default=None, repr=False)
    _first_s: float = field(default=0.0, repr=False)
    _exchanges: int = field(default=0, repr=False)
    _arrivals: _Extremes = field(default_factory=lambda: _Extremes(ARRIVAL_BIN_S), repr=False)
    _requests: _Extremes = field(default_factory=lambda: _Extremes(REQUEST_BIN_S), repr=False)
    _answers: _Extremes = field(default_factory=lambda: _Extremes(ARRIVAL_BIN_S), repr=False)
    _knot_device_s: list[float] = field(default_factory=list, repr=False)
    _knot_session_s: list[float] = field(default_factory=list, repr=False)
    _report: ClockReport = field(default_factory=ClockReport, repr=False)

    @property
    def ready(self) -> bool:
        """Whether times can be mapped."""
        return bool(self._knot_device_s)

    @property
    def mapped_until_s(self) -> float:
        """Device time up to which the mapping is settled [s]; minus infinity before the first knots."""
        return self._knot_device_s[-1] if self._knot_device_s else -np.inf

    @property
    def report(self) -> ClockReport:
        """How well the clock is known, as of the newest knot."""
        return self._report

    def add(self, record: Arrival | Exchange) -> None:
        """Take a record, in the order in which records came.

        Raises
        ------
        ClockError
            If the stamps are impossible: not finite, an answer before its request, a jump of more than a day. The
            record is then not used.
        """
        device_s = record.device_s
        if not np.isfinite(record).all():
            raise ClockError("time stamp is not a finite number")
        if self._latest_s is not None and abs(device_s - self._latest_s) > JUMP_MAX_S:
            raise ClockError(f"device time jumps by {device_s - self._latest_s:.0f} s: the pod began anew")
        if isinstance(record, Exchange):
            if record.round_trip_s < 0 or record.device_sent_s < record.device_received_s:
                raise ClockError("clock exchange with an answer before its request")
            if record.round_trip_s <= ROUND_TRIP_MAX_S:
                self._exchanges += 1
                self._requests.add(record.device_received_s, record.device_received_s - record.sent_s)
                self._answers.add(record.device_sent_s, record.received_s - record.device_sent_s)
        else:
            self._arrivals.add(device_s, record.arrival_s - device_s)
        if self._latest_s is None:
            self._first_s = device_s
        self._latest_s = device_s if self._latest_s is None else max(self._latest_s, device_s)
        self._set_knots(self._latest_s + LOOK_AHEAD_S)

    def _fit(self) -> tuple[str, _Line] | None:
        if self._arrivals.span_s < SPAN_MIN_S:
            return None
        if self._exchanges >= EXCHANGES_MIN and self._requests.bins:
            return "exchanges", _fit(self._arrivals, self._requests, self._answers)
        if self._arrivals.bins:
            return "arrivals", _fit(self._arrivals, None, None)
        return None

    def _set_knots(self, until_s: float) -> None:
        if self.mapped_until_s >= until_s:
            return
        for extremes in (self._arrivals, self._requests, self._answers):
            extremes.forget_before(until_s - WINDOW_S)
        fitted = self._fit()
        if fitted is None:
            # Too few records after a long gap: go on with the slope there was.
            if self.ready:
                self._extend(until_s)
            return
        source, line = fitted
        if not self.ready:
            self._knot_device_s.append(self._first_s)
            self._knot_session_s.append(line.at(self._first_s) - self.bias_s)
        wanted_s = reached_s = self._knot_session_s[-1]
        while self._knot_device_s[-1] < until_s:
            device_s = self._knot_device_s[-1] + KNOT_STEP_S
            wanted_s = line.at(device_s) - self.bias_s
            correction_s = wanted_s - self._knot_session_s[-1] - KNOT_STEP_S
            limit_s = SLEW_MAX * KNOT_STEP_S
            reached_s = self._knot_session_s[-1] + KNOT_STEP_S + max(-limit_s, min(limit_s, correction_s))
            self._knot_device_s.append(device_s)
            self._knot_session_s.append(reached_s)
        self._report = ClockReport(
            source,
            rate_ppm=line.rate * 1e6,
            precision_s=line.precision_s,
            bias_bound_s=max(0.0, line.half_width_s) if source == "exchanges" else None,
            residual_s=line.residual_s,
            records=len(self._arrivals.bins) + len(self._requests.bins),
            slewing=abs(wanted_s - reached_s) > SETTLED_S,
        )

    def _extend(self, until_s: float) -> None:
        slope = (self._knot_session_s[-1] - self._knot_session_s[-2]) / KNOT_STEP_S
        while self._knot_device_s[-1] < until_s:
            self._knot_device_s.append(self._knot_device_s[-1] + KNOT_STEP_S)
            self._knot_session_s.append(self._knot_session_s[-1] + slope * KNOT_STEP_S)

    def map(self, device_s: FloatArray) -> FloatArray:
        """Session times [s] of device times [s], both (n,); what lies before the first knot is on its line.

        Raises
        ------
        ClockError
            If the clock is not ready, or a time lies beyond :attr:`mapped_until_s`.
        """
        if not self.ready:
            raise ClockError("the clock is not yet known: too few records")
        if device_s.size and float(device_s.max()) > self.mapped_until_s:
            raise ClockError("device time beyond the last record")
        first = max(0, self._piece(float(device_s.min())) if device_s.size else 0)
        knots = np.array(self._knot_device_s[first:])
        values = np.array(self._knot_session_s[first:])
        at = np.clip(np.searchsorted(knots, device_s, side="right") - 1, 0, knots.size - 2)
        slope = (values[at + 1] - values[at]) / KNOT_STEP_S
        session_s: FloatArray = values[at] + slope * (device_s - knots[at])
        return session_s

    def _piece(self, device_s: float) -> int:
        """Find the piece that holds a time: only the pieces needed are looked at."""
        return min(int((device_s - self._knot_device_s[0]) // KNOT_STEP_S), len(self._knot_device_s) - 2)
