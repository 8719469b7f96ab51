"""Rotations of many strides at once: (3, 3, ...) matrices that turn vectors of the moved axes into the fixed ones.

Matrices, because a product of two is five calls on whole arrays, and a rotated vector half the work of a quaternion's.
Following Solà 2017, *Quaternion kinematics for the error-state Kalman filter* (arXiv:1711.02508), §2.
Every operation works element by element, so a row's result does not depend on the rows beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.model import FloatArray

STRAIGHT_RAD: Final = float(np.radians(10))
"""Smaller changes of heading over a stride count as drift, larger ones as a turn."""
NO_SINE: Final = 1e-12
"""Below rounding the direction of a rotation is undefined."""


def turn(m: FloatArray, v: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Turn vectors (3, ...), or the columns of (3, 3, ...), by matrices (3, 3, ...); ``out`` must not overlap v.

    The trailing axes are broadcast. Turning a matrix is the product of both.

    Examples
    --------
    >>> quarter = about(np.array([0.0, 0, 1]), np.array(np.pi / 2))
    >>> turn(quarter, np.array([1.0, 0, 0])).round(12)
    array([0., 1., 0.])
    >>> turn(quarter, quarter).round(12)[:, 0]
    array([-1.,  0.,  0.])
    """
    if v.ndim == m.ndim:
        m = m[:, :, None]
    total: FloatArray = np.multiply(m[:, 0], v[0], out=out)
    part = m[:, 1] * v[1]
    total += part
    np.multiply(m[:, 2], v[2], out=part)
    total += part
    return total


def from_small_angle(angle: FloatArray) -> FloatArray:
    """Matrix of (3, ...) small rotation vectors [rad]; series to the fourth order, exact to 1e-6 below 0.15 rad.

    Examples
    --------
    >>> from_small_angle(np.array([0.1, 0, 0])).round(6)
    array([[ 1.      ,  0.      ,  0.      ],
           [ 0.      ,  0.995004, -0.099833],
           [ 0.      ,  0.099833,  0.995004]])
    """
    square = angle * angle
    total = square[0] + square[1]
    total += square[2]
    versine = total * (-1 / 24)
    versine += 0.5
    sine = total * (-1 / 6)
    sine += 1
    x, y, z = angle * versine
    sx, sy, sz = angle * sine
    matrix = np.empty((3, *angle.shape), angle.dtype)
    total *= versine
    total = 1 - total
    square *= versine
    for i in range(3):
        np.add(square[i], total, out=matrix[i, i, ...])
    for i, j, cross, along in ((0, 1, x * angle[1], sz), (2, 0, z * angle[0], sy), (1, 2, y * angle[2], sx)):
        np.subtract(cross, along, out=matrix[i, j, ...])
        np.add(cross, along, out=matrix[j, i, ...])
    return matrix


def about(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Matrix of rotations by ``angle`` (...) [rad] about unit axes (3, ...).

    Examples
    --------
    >>> about(np.array([1.0, 0, 0]), np.array(np.pi)).round(9).diagonal()
    array([ 1., -1., -1.])
    """
    x, y, z = axis
    cosine, sine = np.cos(angle), np.sin(angle)
    versine = 1 - cosine
    return np.array(
        (
            (cosine + x * x * versine, x * y * versine - z * sine, x * z * versine + y * sine),
            (x * y * versine + z * sine, cosine + y * y * versine, y * z * versine - x * sine),
            (x * z * versine - y * sine, y * z * versine + x * sine, cosine + z * z * versine),
        )
    )


def to_vector(m: FloatArray) -> FloatArray:
    """Rotation vector (3, ...) [rad] of matrices (3, 3, ...); of half a turn the direction is arbitrary.

    Examples
    --------
    >>> to_vector(from_small_angle(np.array([0.01, -0.02, 0.03]))).round(9)
    array([ 0.01, -0.02,  0.03])
    """
    sine = _axial(m)
    size = np.sqrt(sine[0] * sine[0] + sine[1] * sine[1] + sine[2] * sine[2])
    angle = np.arctan2(size, 0.5 * (_trace(m) - 1))
    none = size < NO_SINE
    vector = sine * (angle / np.where(none, 1.0, size))
    return np.where(none, np.stack((angle, 0 * angle, 0 * angle)), vector)


def part_drift(end: FloatArray, up: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Part the rotation over a stride into drift and change of heading.

    Parameters
    ----------
    end
        (3, 3, n) rotation from the stride's end to its begin.
    up
        (3, n) or (3, 1) unit vector up, in the axes at the begin.

    Returns
    -------
    drift (3, n) rotation vector [rad] in the axes at the begin, heading (n,) change of heading [rad].

    Examples
    --------
    >>> up = np.array([[0.0], [0.0], [1.0]])
    >>> end = turn(from_small_angle(np.array([[0.02], [0.0], [0.0]])), about(up, np.array([0.4])))
    >>> drift, heading = part_drift(end, up)
    >>> np.abs(drift.ravel()).round(2), heading.round(2)
    (array([0.02, 0.  , 0.  ]), array([0.4]))
    """
    sine = _axial(end)
    heading = 2 * np.arctan2(sine[0] * up[0] + sine[1] * up[1] + sine[2] * up[2], 0.5 * (1 + _trace(end)))
    heading = (heading + np.pi) % (2 * np.pi) - np.pi
    turned = np.where(np.abs(heading) > STRAIGHT_RAD, heading, 0).astype(end.dtype)
    return to_vector(turn(end, about(up, -turned))), heading


def _axial(m: FloatArray) -> FloatArray:
    """Sine of the angle times the axis (3, ...)."""
    return 0.5 * np.stack((m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]))


def _trace(m: FloatArray) -> FloatArray:
    trace: FloatArray = m[0, 0] + m[1, 1] + m[2, 2]
    return trace
