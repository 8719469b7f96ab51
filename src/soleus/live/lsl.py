"""A live run for laboratories: steps, raw samples and markers as streams of the Lab Streaming Layer (``pylsl``).

Time stamps are those of the samples and contacts themselves, on the clock that all streams of a laboratory share
(`lsl_local_clock`); the session clock is tied to it once, when the outlet is made. See
https://labstreaminglayer.readthedocs.io/info/time_synchronization.html.
"""

from __future__ import annotations

import importlib
from typing import Any, Final, Self

import numpy as np

from soleus.live.news import Marked, News, PodJoined, SamplesTaken, StepsFound, WarningsSaid
from soleus.model import COUNT_CHANNELS, FEET, STEP_COLUMNS, Foot, PodInfo, PodSamples, Steps, Warnings
from soleus.model.tables import SCHEMA_VERSION

STEPS_STREAM: Final = "Soleus steps"
MARKERS_STREAM: Final = "Soleus markers"
SAMPLES_STREAM: Final = "Soleus {foot} pod"
MAKER: Final = "Soleus"
BUFFERED_S: Final = 360
"""What an outlet keeps for a reader that is slow [s]; for streams without a rate, hundreds of rows."""
STEP_CHANNELS: Final = tuple(column for column in STEP_COLUMNS)
"""Every column of the steps table; words and flags as their numbers."""
SAMPLE_UNITS: Final = {"a": "m/s^2", "g": "rad/s"}


class LslError(ValueError):
    """Streams that cannot be opened; one sentence says why and the mend."""


class LslOutlet:
    """Give a run's news to the laboratory network: a sink of a live run.

    Three kinds of streams: ``Soleus steps`` (type ``Gait``, irregular, one row a contact, stamped with its initial
    contact), ``Soleus left pod`` and ``Soleus right pod`` (type ``IMU``: specific force and angular rate in the pod's
    own axes, each sample with its own stamp), ``Soleus markers`` (type ``Markers``: warnings, laps, pain).

    Parameters
    ----------
    lsl_at_zero_s
        What `lsl_local_clock` shows, or would have shown, at session time zero [s].
    source_id
        Names this run's streams uniquely, so that a reader finds them again after a break.

    Raises
    ------
    LslError
        If ``pylsl`` or its library is missing.

    Examples
    --------
    >>> import math
    >>> from soleus.model import PodInfo
    >>> LslOutlet(math.nan)
    Traceback (most recent call last):
    soleus.live.lsl.LslError: session time zero on the LSL clock is nan; give the seconds that local_clock shows
    """

    def __init__(self, lsl_at_zero_s: float, source_id: str = "soleus") -> None:
        if not np.isfinite(lsl_at_zero_s):
            raise LslError(
                f"session time zero on the LSL clock is {lsl_at_zero_s}; give the seconds that local_clock shows"
            )
        self._lsl: Any = _library()
        self._zero_s = float(lsl_at_zero_s)
        self._source_id = source_id
        self._pods: dict[Foot, PodInfo] = {}
        self._samples: dict[Foot, Any] = {}
        self._steps: Any = self._open_steps()
        self._markers: Any = self._open_markers()

    @classmethod
    def starting(cls, session_now_s: float, source_id: str = "soleus") -> Self:
        """Tie the session clock to LSL's now: session time is ``session_now_s`` [s] at this moment.

        Raises
        ------
        LslError
            If ``pylsl`` or its library is missing.
        """
        return cls(_library().local_clock() - session_now_s, source_id)

    def lsl_time(self, session_s: float) -> float:
        """Give the LSL time of a session time [s]."""
        return self._zero_s + session_s

    def take(self, news: News) -> None:
        """Send what laboratories want of a piece of news; the rest is left alone."""
        match news:
            case SamplesTaken(samples):
                self._send_samples(samples)
            case StepsFound(steps=steps):
                self._send_steps(steps)
            case PodJoined(pod=pod):
                self._join(pod)
            case WarningsSaid(warnings):
                self._send_warnings(warnings)
            case Marked(time_s, kind, value):
                self._mark(time_s, kind if value is None else f"{kind} {value:g}")

    def close(self) -> None:
        """Close the streams; readers see them end."""
        self._samples.clear()
        self._steps = self._markers = None

    def _join(self, pod: PodInfo) -> None:
        before = self._pods.get(pod.foot)
        self._pods[pod.foot] = pod
        if before != pod or pod.foot not in self._samples:
            self._samples[pod.foot] = self._open_samples(pod)

    def _send_samples(self, samples: PodSamples) -> None:
        pod = self._pods.get(samples.foot)
        # Without the pod's scale counts mean nothing; they are in the journal all the same.
        if pod is None or not len(samples):
            return
        values = np.concatenate([samples.accel_mps2(pod), samples.gyro_rads(pod)]).T
        self._samples[samples.foot].push_chunk(
            np.ascontiguousarray(values, np.float32), (samples.time_s + self._zero_s).tolist()
        )

    def _send_steps(self, steps: Steps) -> None:
        if not len(steps):
            return
        rows = np.stack([_plain(steps, column.name) for column in STEP_CHANNELS], axis=1)
        self._steps.push_chunk(np.ascontiguousarray(rows), (steps["initial_contact_s"] + self._zero_s).tolist())

    def _send_warnings(self, warnings: Warnings) -> None:
        for i in range(len(warnings)):
            foot = int(warnings["foot"][i])
            side = f" ({FEET[foot]})" if foot >= 0 else ""
            self._mark(float(warnings["time_s"][i]), f"warning {warnings['rule'][i]}{side}")

    def _mark(self, session_s: float, text: str) -> None:
        self._markers.push_sample([text], self.lsl_time(session_s))

    def _open_steps(self) -> Any:  # noqa: ANN401 - an optional module without types
        info = self._info(STEPS_STREAM, "Gait", len(STEP_CHANNELS), 0.0, self._lsl.cf_double64)
        channels = info.desc().append_child("channels")
        for column in STEP_CHANNELS:
            channel = channels.append_child("channel")
            channel.append_child_value("label", column.name)
            channel.append_child_value("unit", column.unit)
            channel.append_child_value("type", "Gait")
            channel.append_child_value("description", column.meaning)
            if column.words:
                channel.append_child_value("words", ",".join(column.words))
        info.desc().append_child_value("schema_version", SCHEMA_VERSION)
        return self._lsl.StreamOutlet(info, 0, BUFFERED_S)

    def _open_markers(self) -> Any:  # noqa: ANN401 - an optional module without types
        info = self._info(MARKERS_STREAM, "Markers", 1, 0.0, self._lsl.cf_string)
        return self._lsl.StreamOutlet(info, 0, BUFFERED_S)

    def _open_samples(self, pod: PodInfo) -> Any:  # noqa: ANN401 - an optional module without types
        name = SAMPLES_STREAM.format(foot=pod.foot.label)
        info = self._info(name, "IMU", len(COUNT_CHANNELS), pod.rate_hz or 0.0, self._lsl.cf_float32)
        channels = info.desc().append_child("channels")
        for axis in COUNT_CHANNELS:
            channel = channels.append_child("channel")
            channel.append_child_value("label", axis)
            channel.append_child_value("unit", SAMPLE_UNITS[axis[0]])
            channel.append_child_value("type", "ACC" if axis[0] == "a" else "GYRO")
        for name, value in (("foot", pod.foot.label), ("pod_id", pod.pod_id), ("pod_maker", pod.maker)):
            info.desc().append_child_value(name, value)
        return self._lsl.StreamOutlet(info, 0, BUFFERED_S)

    def _info(self, name: str, kind: str, channels: int, rate_hz: float, form: int) -> Any:  # noqa: ANN401
        source = f"{self._source_id} {name}"
        info = self._lsl.StreamInfo(name, kind, channels, rate_hz, form, source)
        info.desc().append_child_value("manufacturer", MAKER)
        return info


def _plain(steps: Steps, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give a column as numbers: words by their code with NaN for a missing one, flags as their bit set."""
    values = steps[name].astype(np.float64)
    return np.where(values < 0, np.nan, values) if steps[name].dtype == np.int8 else values


def _library() -> Any:  # noqa: ANN401 - an optional module without types
    try:
        return importlib.import_module("pylsl")
    except ImportError as error:
        raise LslError("LSL streams need the library pylsl: pip install 'soleus[lsl]'") from error
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "unknown reason"
        raise LslError(f"the library liblsl that pylsl needs cannot be loaded ({reason}); install it again") from error
