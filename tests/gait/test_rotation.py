"""Matrices of rotation against scipy's, an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from soleus.gait import rotation

RNG = np.random.default_rng(5)


def scipys(m) -> Rotation:
    return Rotation.from_matrix(np.moveaxis(np.asarray(m, float), -1, 0))


def ours(r: Rotation) -> np.ndarray:
    return np.moveaxis(r.as_matrix(), 0, -1)


def random_rotations(n: int) -> np.ndarray:
    return ours(Rotation.random(n, rng=RNG))


def test_turn_of_a_matrix_is_composition():
    a, b = random_rotations(200), random_rotations(200)
    found = scipys(rotation.turn(a, b))
    assert (found * (scipys(a) * scipys(b)).inv()).magnitude().max() < 1e-7


def test_turn_of_vectors():
    m, v = random_rotations(200), RNG.normal(size=(3, 200))
    assert np.allclose(rotation.turn(m, v), scipys(m).apply(v.T).T, atol=1e-12)


def test_turn_broadcasts_and_writes_where_told():
    m, v = random_rotations(5)[:, :, None], RNG.normal(size=(3, 4, 5))
    out = np.empty((3, 4, 5))
    assert rotation.turn(m, v, out=out) is out
    assert np.array_equal(out[:, 2], rotation.turn(m[:, :, 0], np.ascontiguousarray(v[:, 2])))


@given(st.floats(0, 0.15), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_small_angles_are_exact_to_1e_6(angle, seed):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    m = rotation.from_small_angle((angle * axis)[:, None])
    assert np.abs(m[..., 0] - Rotation.from_rotvec(angle * axis).as_matrix()).max() < 1e-6


@given(st.floats(-7.0, 7.0), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_about_an_axis(angle, seed):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    expected = Rotation.from_rotvec(angle * axis).as_matrix()
    assert np.allclose(rotation.about(axis, np.array(angle)), expected, atol=1e-12)


@given(st.floats(0, np.pi - 1e-4), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_to_vector_is_the_rotation_vector(angle, seed):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    m = ours(Rotation.from_rotvec([angle * axis]))
    assert np.allclose(rotation.to_vector(m)[:, 0], angle * axis, atol=1e-7)


def test_to_vector_of_nothing_is_zero_and_of_half_a_turn_is_half_a_turn():
    assert np.array_equal(rotation.to_vector(np.eye(3)[:, :, None]), np.zeros((3, 1)))
    assert np.linalg.norm(rotation.to_vector(np.diag([1.0, -1.0, -1.0]))) == pytest.approx(np.pi)


@pytest.mark.parametrize("heading", [-0.1, 0.0, 0.17, 0.5, -2.0])
def test_drift_and_heading_are_parted(heading):
    up = RNG.normal(size=(3, 40))
    up /= np.linalg.norm(up, axis=0)
    tilt = np.cross(up.T, RNG.normal(size=3)).T
    tilt *= 0.03 / np.linalg.norm(tilt, axis=0)
    turned = rotation.about(up, np.full(40, heading))
    end = rotation.turn(ours(Rotation.from_rotvec(tilt.T)), turned)
    drift, found = rotation.part_drift(end, up)
    assert found == pytest.approx(heading, abs=1e-3)
    expected = tilt if abs(heading) > rotation.STRAIGHT_RAD else scipys(end).as_rotvec().T
    assert np.allclose(drift, expected, atol=1e-3)
