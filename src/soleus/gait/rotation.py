"""Rotations of many strides at once: unit quaternions as (4, ...) arrays, scalar first, Hamilton's product.

Following Solà 2017, *Quaternion kinematics for the error-state Kalman filter* (arXiv:1711.02508), §1-4.
Every operation works element by element, so a row's result does not depend on the rows beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.model import FloatArray

STRAIGHT_RAD: Final = float(np.radians(10))
"""Smaller changes of heading over a stride count as drift, larger ones as a turn."""
BLOCK: Final = 16
"""Length of the blocks of the two-level scan: the square root of a stride's samples is the fewest operations."""


def multiply(a: FloatArray, b: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Quaternion product a ⊗ b (Solà eq. 12), broadcast over the trailing axes; ``out`` must not overlap a or b.

    Examples
    --------
    >>> i, j = np.array([0., 1, 0, 0]), np.array([0., 0, 1, 0])
    >>> multiply(i, j)
    array([0., 0., 0., 1.])
    """
    if out is None:
        out = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    product = np.empty_like(out[0])
    for row, terms in enumerate(
        (
            ((aw, bw, 0), (ax, bx, -1), (ay, by, -1), (az, bz, -1)),
            ((aw, bx, 0), (ax, bw, 1), (ay, bz, 1), (az, by, -1)),
            ((aw, by, 0), (ax, bz, -1), (ay, bw, 1), (az, bx, 1)),
            ((aw, bz, 0), (ax, by, 1), (ay, bx, -1), (az, bw, 1)),
        )
    ):
        total = out[row : row + 1].reshape(out.shape[1:])
        for left, right, sign in terms:
            if sign == 0:
                np.multiply(left, right, out=total)
            elif sign > 0:
                np.add(total, np.multiply(left, right, out=product), out=total)
            else:
                np.subtract(total, np.multiply(left, right, out=product), out=total)
    return out


def conjugate(q: FloatArray) -> FloatArray:
    """Inverse rotation of a unit quaternion."""
    return np.stack((q[0], -q[1], -q[2], -q[3]))


def rotate(q: FloatArray, v: FloatArray) -> FloatArray:
    """Turn (3, ...) vectors by (4, ...) unit quaternions.

    Examples
    --------
    >>> half = np.sqrt(0.5)
    >>> rotate(np.array([half, 0, 0, half]), np.array([1.0, 0, 0])).round(12)
    array([0., 1., 0.])
    """
    w, x, y, z = q
    vx, vy, vz = v
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return np.stack(
        (
            vx + w * tx + (y * tz - z * ty),
            vy + w * ty + (z * tx - x * tz),
            vz + w * tz + (x * ty - y * tx),
        )
    )


def from_small_angle(angle: FloatArray) -> FloatArray:
    """Quaternion of (3, ...) small rotation vectors [rad]; series to the sixth order, exact to 1e-9 below 0.5 rad.

    Examples
    --------
    >>> from_small_angle(np.array([0.2, 0, 0])).round(6)
    array([0.995004, 0.099833, 0.      , 0.      ])
    """
    x, y, z = angle
    square = x * x + y * y + z * z
    half_sinc = 0.5 - square * (1 / 48 - square * (1 / 3840 - square / 645120))
    scalar = 1 - square * (1 / 8 - square * (1 / 384 - square / 46080))
    return np.stack((scalar, half_sinc * x, half_sinc * y, half_sinc * z))


def to_vector(q: FloatArray) -> FloatArray:
    """Rotation vector (3, ...) [rad] of unit quaternions, the short way round (Solà eq. 105).

    Examples
    --------
    >>> to_vector(from_small_angle(np.array([0.1, -0.2, 0.3]))).round(9)
    array([ 0.1, -0.2,  0.3])
    """
    q = np.where(q[0] < 0, -q, q)
    length = np.sqrt(q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    tiny = length < 1e-12  # noqa: PLR2004  (below rounding the direction is undefined and the factor is 2)
    factor = np.where(tiny, 2.0, 2 * np.arctan2(length, q[0]) / np.where(tiny, 1.0, length))
    return np.stack((factor * q[1], factor * q[2], factor * q[3]))


def part_drift(end: FloatArray, up: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Part the rotation over a stride into drift and change of heading.

    A foot lands in the pose in which it landed before, but for the heading: a change of that beyond 10° is a real
    turn, less is drift like all the rest.

    Parameters
    ----------
    end
        (4, n) rotation from the stride's end to its begin.
    up
        (3, n) or (3, 1) unit vector up, in the axes at the begin.

    Returns
    -------
    drift (3, n) rotation vector [rad], heading (n,) change of heading [rad].

    Examples
    --------
    >>> drift, heading = part_drift(from_small_angle(np.array([[0.02], [0.0], [0.4]])), np.array([[0.0], [0], [1]]))
    >>> np.abs(drift.ravel()).round(2), heading.round(2)
    (array([0.02, 0.  , 0.  ]), array([0.4]))
    """
    along = end[1] * up[0] + end[2] * up[1] + end[3] * up[2]
    heading = 2 * np.arctan2(along, end[0])
    heading = (heading + np.pi) % (2 * np.pi) - np.pi
    turned = np.where(np.abs(heading) > STRAIGHT_RAD, heading, 0).astype(end.dtype)
    sine = np.sin(turned / 2)
    back = np.stack((np.cos(turned / 2), -sine * up[0], -sine * up[1], -sine * up[2]))
    return to_vector(multiply(back, end)), heading


def scan(steps: FloatArray) -> FloatArray:
    """Multiply up along the last axis: result k is steps 0 ⊗ 1 ⊗ … ⊗ k.

    Parameters
    ----------
    steps
        (4, n, w) quaternions; w must be a multiple of 16.

    Returns
    -------
    (4, n, w) orientations, the first being the first step.

    Raises
    ------
    ValueError
        If w is no multiple of 16.

    Examples
    --------
    >>> turns = scan(from_small_angle(np.full((3, 1, 32), [[[0.0]], [[0.01]], [[0.0]]])))
    >>> to_vector(turns[:, 0, -1]).round(9)
    array([0.  , 0.32, 0.  ])
    """
    _, n, w = steps.shape
    if w % BLOCK:
        raise ValueError(f"the number of samples must be a multiple of {BLOCK}, got {w}")
    count = w // BLOCK
    blocks = np.ascontiguousarray(steps.reshape(4, n, count, BLOCK).transpose(3, 0, 1, 2))
    running = np.empty_like(blocks)
    running[0] = blocks[0]
    for k in range(1, BLOCK):
        multiply(running[k - 1], blocks[k], out=running[k])
    carry = np.zeros((count, 4, n), steps.dtype)
    carry[0, 0] = 1
    for b in range(1, count):
        multiply(carry[b - 1], running[-1, :, :, b - 1], out=carry[b])
    turned = np.empty_like(running)
    multiply(carry.transpose(1, 2, 0)[:, None], running.transpose(1, 0, 2, 3), out=turned.transpose(1, 0, 2, 3))
    return np.ascontiguousarray(turned.transpose(1, 2, 3, 0)).reshape(4, n, w)
