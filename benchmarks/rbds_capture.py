"""Motion-capture files of running on an instrumented treadmill -> markers, force and the pose of each foot, in SI.

Axes: x in the direction of running, y to the left, z up, found from the data: laboratories differ, and some change
their axes from day to day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FOOT_MARKERS = ("Heel.Top", "Heel.Bottom", "Heel.Lateral", "MT1", "MT5")
"""Markers on the shoe, behind ``L.`` or ``R.``."""
PELVIS_MARKERS = ("R.ASIS", "L.ASIS", "R.PSIS", "L.PSIS")
LENGTH_UNITS = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
MIN_MARKERS = 3
"""A rigid body needs this many markers."""


class CaptureError(ValueError):
    """A capture that cannot be used."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One trial.

    Attributes
    ----------
    rate_hz, force_rate_hz
        Rates of the markers and of the force [Hz]; both start at time zero.
    markers
        By name (3, n) [m], NaN where unseen.
    force_n, pressure_m
        (3, m) ground reaction force [N] and its centre of pressure [m]; ``None`` without a plate.
    """

    rate_hz: float
    force_rate_hz: float
    markers: Mapping[str, Array]
    force_n: Array | None
    pressure_m: Array | None


def read_capture(path: Path) -> Capture:
    """Read a C3D file and turn it into the axes above.

    Raises
    ------
    CaptureError
        If it cannot be read, or lacks markers of feet or pelvis.
    """
    import ezc3d

    try:
        file = ezc3d.c3d(str(path), extract_forceplat_data=True)
    except (OSError, RuntimeError, ValueError, IndexError) as error:
        raise CaptureError(f"{path}: not a readable C3D file ({error})") from error
    points = file["parameters"]["POINT"]
    scale = _length_unit(path, points["UNITS"]["value"])
    raw = {
        name: np.where((xyz == 0).all(axis=0), np.nan, xyz * scale)
        for name, xyz in zip(points["LABELS"]["value"], file["data"]["points"][:3].transpose(1, 0, 2), strict=False)
    }
    wanted = [f"{side}.{marker}" for side in "LR" for marker in FOOT_MARKERS] + list(PELVIS_MARKERS)
    if missing := [name for name in wanted if name not in raw]:
        raise CaptureError(f"{path}: no marker {', '.join(missing)}")
    turn = _axes(path, raw)
    force, pressure = _force(file["data"].get("platform") or [], turn)
    return Capture(
        rate_hz=float(file["header"]["points"]["frame_rate"]),
        force_rate_hz=float(file["header"]["analogs"]["frame_rate"]),
        markers={name: turn @ xyz for name, xyz in raw.items()},
        force_n=force,
        pressure_m=pressure,
    )


def _length_unit(path: Path, units: Sequence[str]) -> float:
    unit = units[0].strip() if units else "mm"
    if unit not in LENGTH_UNITS:
        raise CaptureError(f"{path}: length unit '{unit}' is none of {', '.join(LENGTH_UNITS)}")
    return LENGTH_UNITS[unit]


def _axes(path: Path, raw: Mapping[str, Array]) -> Array:
    """Find the rotation to x forward, y left, z up: the pelvis is above the heels, the toes before them."""
    heel = np.nanmean([np.nanmean(raw[f"{s}.Heel.Bottom"], axis=1) for s in "LR"], axis=0)
    toes = np.nanmean([np.nanmean(raw[f"{s}.{m}"], axis=1) for s in "LR" for m in ("MT1", "MT5")], axis=0)
    pelvis = np.nanmean([np.nanmean(raw[name], axis=1) for name in PELVIS_MARKERS], axis=0)
    if not np.isfinite(heel + toes + pelvis).all():
        raise CaptureError(f"{path}: markers of the feet or the pelvis are never seen")
    up = _nearest_axis(pelvis - heel)
    along = toes - heel
    forward = _nearest_axis(along - (along @ up) * up)
    return np.stack([forward, np.cross(up, forward), up])


def _nearest_axis(direction: Array) -> Array:
    axis = np.zeros(3)
    k = int(np.argmax(np.abs(direction)))
    axis[k] = np.sign(direction[k])
    return axis


def _force(platforms: Sequence[Mapping[str, Any]], turn: Array) -> tuple[Array | None, Array | None]:
    """Sum the plates' forces; the centre of pressure is their mean, weighted by the vertical force."""
    if not platforms:
        return None, None
    forces = np.stack([turn @ np.asarray(plate["force"], float) for plate in platforms])
    places = np.stack(
        [
            turn @ np.asarray(plate["center_of_pressure"], float) * LENGTH_UNITS.get(str(plate["unit_position"]), 1e-3)
            for plate in platforms
        ]
    )
    total = forces.sum(axis=0)
    # Some plates write the force on the plate, some that on the foot; on the foot it points up.
    sign = 1.0 if np.nansum(total[2]) >= 0 else -1.0
    weight = np.abs(forces[:, 2])
    with np.errstate(invalid="ignore", divide="ignore"):
        pressure = np.nansum(places * weight[:, None], axis=0) / weight.sum(axis=0)
    return sign * total, pressure


@dataclass(frozen=True, slots=True)
class FootShape:
    """A foot as a rigid body, from standing.

    The foot frame stands flat: x from the heel to the ball, y left, z up; its origin is midway between the
    metatarsal markers.

    Attributes
    ----------
    markers
        By name (3,) place of each marker [m].
    ankle_m
        (3,) midpoint of the malleoli [m]; the foot carries it, which neglects the little the ankle adds.
    """

    markers: Mapping[str, Array]
    ankle_m: Array


def foot_shape(standing: Capture, side: str) -> FootShape:
    """Measure the shape of a foot.

    Raises
    ------
    CaptureError
        If a marker of the foot or of a malleolus is never seen.
    """
    names = [*(f"{side}.{marker}" for marker in FOOT_MARKERS), f"{side}.Ankle", f"{side}.Ankle.Medial"]
    if missing := [n for n in names if n not in standing.markers or np.isnan(standing.markers[n]).all()]:
        raise CaptureError(f"standing trial: no marker {', '.join(missing)}")
    place = {name: np.nanmean(standing.markers[name], axis=1) for name in names}
    ball = (place[f"{side}.MT1"] + place[f"{side}.MT5"]) / 2
    x = ball - place[f"{side}.Heel.Bottom"]
    x[2] = 0.0
    x /= np.linalg.norm(x)
    z = np.array([0.0, 0.0, 1.0])
    frame = np.stack([x, np.cross(z, x), z])
    ankle = (place[f"{side}.Ankle"] + place[f"{side}.Ankle.Medial"]) / 2
    return FootShape(
        {f"{side}.{marker}": frame @ (place[f"{side}.{marker}"] - ball) for marker in FOOT_MARKERS},
        frame @ (ankle - ball),
    )


@dataclass(frozen=True, slots=True)
class Pose:
    """A rigid body's path: ``rotation`` (n, 3, 3) to the laboratory, ``origin_m`` (n, 3), NaN where unseen.

    ``rms_m`` is the root mean square distance of the markers from their places.
    """

    rotation: Array
    origin_m: Array
    rms_m: float


def fit_pose(markers: Mapping[str, Array], shape: Mapping[str, Array]) -> Pose:
    """Fit a rigid body to the markers seen in each frame (Kabsch 1976, doi:10.1107/S0567739476001873).

    Parameters
    ----------
    markers
        By name (3, n) [m].
    shape
        By name (3,) [m] in the body's frame.
    """
    seen_m = np.stack([markers[name].T for name in shape], axis=1)
    body_m = np.stack(list(shape.values()))
    seen = np.asarray(np.isfinite(seen_m).all(axis=2))
    weight = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    there = np.where(seen[..., None], seen_m, 0.0)
    centre = (weight[..., None] * there).sum(axis=1)
    body_centre = weight @ body_m
    spread = np.einsum(
        "nk,nki,nkj->nij", weight, there - centre[:, None], body_m[None] - body_centre[:, None], optimize=True
    )
    u, _, vt = np.linalg.svd(spread)
    flip = np.ones((seen.shape[0], 3))
    flip[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * flip[:, None]) @ vt
    origin = centre - np.einsum("nij,nj->ni", rotation, body_centre)
    fitted = origin[:, None] + np.einsum("nij,kj->nki", rotation, body_m)
    enough = seen.sum(axis=1) >= MIN_MARKERS
    error = ((there - fitted) ** 2).sum(axis=2)[seen & enough[:, None]]
    rotation[~enough], origin[~enough] = np.nan, np.nan
    return Pose(rotation, origin, float(np.sqrt(error.mean())) if error.size else float("nan"))
