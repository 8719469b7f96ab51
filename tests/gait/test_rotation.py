"""Quaternions against scipy's, an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from soleus.gait import rotation

RNG = np.random.default_rng(5)


def scipys(q) -> Rotation:
    return Rotation.from_quat(np.asarray(q).T, scalar_first=True)


def random_q(n: int) -> np.ndarray:
    q = RNG.normal(size=(4, n))
    return q / np.linalg.norm(q, axis=0)


def test_multiply_is_composition():
    a, b = random_q(200), random_q(200)
    ours = scipys(rotation.multiply(a, b))
    assert (ours * (scipys(a) * scipys(b)).inv()).magnitude().max() < 1e-7


def test_multiply_broadcasts_and_writes_where_told():
    a, b = random_q(3)[:, :, None], random_q(5)[:, None, :]
    out = np.empty((4, 3, 5))
    assert rotation.multiply(a, b, out=out) is out
    assert np.array_equal(out, rotation.multiply(a, b))
    assert out.shape == (4, 3, 5)


def test_rotate_turns_vectors_as_matrices_do():
    q, v = random_q(200), RNG.normal(size=(3, 200))
    assert np.allclose(rotation.rotate(q, v), scipys(q).apply(v.T).T, atol=1e-12)


def test_conjugate_undoes():
    q = random_q(50)
    assert np.allclose(rotation.multiply(q, rotation.conjugate(q)), np.array([1.0, 0, 0, 0])[:, None], atol=1e-12)


@given(st.floats(0, 0.5), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_small_angles_are_exact_to_1e_9(angle, seed):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    q = rotation.from_small_angle((angle * axis)[:, None])
    assert np.abs(q[:, 0] - Rotation.from_rotvec(angle * axis).as_quat(scalar_first=True)).max() < 1e-9


@given(st.floats(0, np.pi - 1e-6), st.integers(0, 10_000), st.sampled_from([1, -1]))
@settings(max_examples=100, deadline=None)
def test_to_vector_is_the_rotation_vector_the_short_way_round(angle, seed, sign):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    q = sign * Rotation.from_rotvec(angle * axis).as_quat(scalar_first=True)
    assert np.allclose(rotation.to_vector(q[:, None])[:, 0], angle * axis, atol=1e-7)


def test_to_vector_of_nothing_is_zero():
    assert np.array_equal(rotation.to_vector(np.array([[1.0], [0], [0], [0]])), np.zeros((3, 1)))


@pytest.mark.parametrize("width", [16, 32, 160, 304])
def test_scan_is_the_running_product(width):
    steps = rotation.from_small_angle(0.1 * RNG.normal(size=(3, 7, width)))
    total = rotation.scan(steps)
    for row in range(7):
        expected = Rotation.identity()
        for k in range(width):
            expected = expected * scipys(steps[:, row, k])
        assert (scipys(total[:, row, -1]) * expected.inv()).magnitude() < 1e-9
    assert np.allclose(np.linalg.norm(total, axis=0), 1, atol=1e-9)


def test_scan_of_a_row_does_not_depend_on_the_rows_beside_it():
    steps = rotation.from_small_angle((0.1 * RNG.normal(size=(3, 9, 64))).astype(np.float32))
    together = rotation.scan(steps)
    for row in range(9):
        assert np.array_equal(rotation.scan(np.ascontiguousarray(steps[:, row : row + 1]))[:, 0], together[:, row])


def test_scan_refuses_other_widths():
    with pytest.raises(ValueError, match="multiple of 16"):
        rotation.scan(np.ones((4, 1, 17)))
