"""What viewers are told: snapshots, steps and the run's log as JSON; missing numbers become null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from soleus.live.run_sums import STRIKE_EDGES_DEG
from soleus.live.shown import BY_NAME, STEP_QUANTITIES
from soleus.live.snapshot import Cue, Lap, PodView, Snapshot, Total, Value
from soleus.live.step_window import ROLLING_S, TREND_S
from soleus.model import FloatArray, Steps

DISCLAIMER: Final = "Loads are modelled, not measured. This is no diagnosis."
DIGITS: Final = 5
"""Significant digits sent: one more than any that is shown."""
LAP_QUANTITIES: Final = ("cadence_spm", "contact_time_s", "achilles_impulse_bws", "speed_mps")
"""What the lap table shows of each lap."""
Plain = dict[str, Any]

_encoder = msgspec.json.Encoder()


def event(name: str, body: Plain, serial: str = "") -> bytes:
    """Write one server-sent event.

    Examples
    --------
    >>> event("now", {"x": float("nan")}, "7").decode().splitlines()
    ['id: 7', 'event: now', 'data: {"x":null}', '']
    """
    head = f"id: {serial}\n" if serial else ""
    return f"{head}event: {name}\ndata: ".encode() + _encoder.encode(body) + b"\n\n"


def hello(title: str, history: Plain | None) -> Plain:
    """Tell what does not change: names, units, edges, the last weeks."""
    return {
        "title": title,
        "quantities": {
            shown.name: {
                "label": shown.label,
                "unit": shown.unit,
                "factor": shown.factor,
                "decimals": shown.decimals,
                "signed": shown.signed,
                "modelled": shown.modelled,
            }
            for shown in BY_NAME.values()
        },
        "columns": ["foot", "toe_off_s", *(shown.name for shown in STEP_QUANTITIES)],
        "strike_edges_deg": STRIKE_EDGES_DEG,
        "trend_s": TREND_S,
        "rolling_s": ROLLING_S,
        "disclaimer": DISCLAIMER,
        "history": history,
    }


def now(snapshot: Snapshot, silent_s: float | None, silences_s: Mapping[int, float], *, muted: bool) -> Plain:
    """Tell what a display shows at this moment."""
    lap = snapshot.laps[-1] if snapshot.laps else None
    return {
        "now_s": _short(snapshot.now_s),
        "phase": None if snapshot.phase is None else snapshot.phase.name,
        "sentence": snapshot.sentence,
        "elapsed_s": snapshot.elapsed_s,
        "silent_s": silent_s,
        "values": {name: _value(value) for name, value in snapshot.values.items()},
        "strikes": snapshot.strikes,
        "contact_asymmetry_pct": _short(snapshot.contact_asymmetry_pct),
        "steps": snapshot.steps,
        "distance_m": snapshot.distance_m,
        "calf_dose": _total(snapshot.calf_dose),
        "achilles_impulse_bws": _total(snapshot.achilles_impulse_bws),
        "dose_share": _short(snapshot.dose_share),
        "cue": None if snapshot.cue is None else _cue(snapshot.cue),
        "cue_count": snapshot.cues[-1].number if snapshot.cues else 0,
        "lap": None if lap is None else {"number": lap.number, "start_s": lap.start_s, "distance_m": lap.distance_m},
        "pods": [_pod(pod, silences_s.get(pod.foot)) for pod in snapshot.pods],
        "belt_speed_mps": snapshot.belt_speed_mps,
        "belt_grade": snapshot.belt_grade,
        "heart_rate_bpm": snapshot.heart_rate_bpm,
        "latency_s": _short(snapshot.latency_s),
        "trouble": snapshot.trouble,
        "told": _told(snapshot),
        "suggested_cadence_spm": snapshot.suggested_cadence_spm,
        "muted": muted,
        "folder": None if snapshot.ended is None or snapshot.ended.folder is None else snapshot.ended.folder.name,
    }


def sums(snapshot: Snapshot, strike_counts: FloatArray) -> Plain:
    """Tell what grows with every step: the open lap and the histogram of foot strike angles."""
    return {
        "lap": _lap(snapshot.laps[-1], snapshot) if snapshot.laps else None,
        "strike_counts": [[int(count) for count in foot] for foot in strike_counts],
    }


def log(snapshot: Snapshot, spoken: Mapping[int, Sequence[str]]) -> Plain:
    """Tell what happened so far: cues with their evidence, laps, pain, sentences."""
    return {
        "cues": [
            {
                **_cue(cue),
                "evidence": dict(cue.evidence),
                "reference": cue.reference,
                "given": spoken.get(cue.number, ()),
            }
            for cue in snapshot.cues
        ],
        "laps": [_lap(lap, snapshot) for lap in snapshot.laps],
        "pains": [{"time_s": mark.time_s, "rating": mark.value} for mark in snapshot.pains],
        "told": [{"time_s": each.time_s, "sentence": each.sentence} for each in snapshot.told],
    }


def step_rows(steps: Steps) -> list[list[float | int | None]]:
    """Write steps as rows of ``hello``'s columns."""
    columns = [steps[name].tolist() for name in ("foot", "toe_off_s", *(shown.name for shown in STEP_QUANTITIES))]
    return [
        [foot, round(toe_off_s, 3), *map(_short, values)] for foot, toe_off_s, *values in zip(*columns, strict=True)
    ]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _value(value: Value) -> list[float | None]:
    return [_short(each) for each in (value.left, value.right, value.both, value.asymmetry)]


def _total(total: Total | None) -> list[float | None] | None:
    return None if total is None else [_short(each) for each in (total.left, total.right, total.both)]


def _cue(cue: Cue) -> Plain:
    return {
        "number": cue.number,
        "time_s": cue.time_s,
        "rule": cue.rule,
        "severity": cue.severity,
        "message": cue.message,
        "explanation": cue.explanation,
        "foot": cue.foot,
    }


def _lap(lap: Lap, snapshot: Snapshot) -> Plain:
    end_s = lap.end_s
    if end_s is None:
        end_s = snapshot.now_s if snapshot.ended is None else snapshot.ended.time_s
    return {
        "number": lap.number,
        "duration_s": max(0.0, end_s - lap.start_s),
        "open": lap.end_s is None,
        "distance_m": lap.distance_m,
        "means": {name: _value(lap.means[name]) for name in LAP_QUANTITIES},
    }


def _pod(pod: PodView, silent_s: float | None) -> Plain:
    status = pod.status
    return {
        "foot": pod.foot,
        "connected": None if status is None else status.connected,
        "battery_pct": None if status is None else status.battery_pct,
        "rssi_dbm": None if status is None else status.rssi_dbm,
        "received": None if status is None else status.received,
        "lost": None if status is None else status.lost,
        "clock_error_ms": None if status is None else _short(status.clock_error_ms),
        "silent_s": silent_s,
    }


def _told(snapshot: Snapshot) -> Plain | None:
    if not snapshot.told:
        return None
    last = snapshot.told[-1]
    return {"time_s": last.time_s, "sentence": last.sentence}
