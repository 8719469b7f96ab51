from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soleus.bench.accuracy import match
from soleus.bench.agreement import agreement, correlation


def test_figures_of_a_known_sample():
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    found = agreement([(truth + np.array([1.0, -1.0, 1.0, 3.0]), truth)])
    assert found is not None
    assert (found.n, found.groups, found.missing) == (4, 1, 0)
    assert found.bias == pytest.approx(1.0)
    assert found.mae == pytest.approx(1.5)
    assert found.rmse == pytest.approx(np.sqrt(3.0))
    assert found.sd == pytest.approx(np.sqrt(2.0))
    assert found.upper - found.bias == pytest.approx(1.96 * np.sqrt(8 / 3))
    assert found.trial_mae == pytest.approx(1.0)


def test_limits_allow_for_contacts_of_a_trial_being_alike():
    """Feet that differ between, but not within trials: the spread of all rows underrates that of a new foot."""
    random = np.random.default_rng(0)
    offsets = random.normal(0, 2.0, 6)
    groups = [(o + random.normal(0, 0.5, 500), np.zeros(500)) for o in offsets]
    found = agreement(groups)
    assert found is not None
    expected = 1.96 * np.sqrt(offsets.var(ddof=1) + 0.25)
    assert (found.upper - found.lower) / 2 == pytest.approx(expected, rel=0.03)
    assert (found.upper - found.lower) / 2 > 1.05 * 1.96 * found.sd


def test_missing_estimates_are_counted_and_unknown_truth_is_not():
    found = agreement([(np.array([np.nan, 1.0, 1.0]), np.array([1.0, 1.0, np.nan]))])
    assert found is not None
    assert (found.n, found.missing) == (1, 1)
    assert agreement([(np.array([np.nan]), np.array([1.0]))]) is None


def test_correlation_needs_spread():
    assert correlation([(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]) is None
    assert correlation([(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]) == pytest.approx(-1.0)


times = st.lists(st.floats(0, 20), max_size=40).map(lambda t: np.array(sorted(t)))


@given(times, times)
def test_matches_are_one_to_one_and_near(true_s, estimated_s):
    i, j = match(true_s, estimated_s)
    assert np.unique(i).size == i.size == np.unique(j).size == j.size
    assert (np.abs(true_s[i] - estimated_s[j]) <= 0.05).all()


@given(st.lists(st.floats(0.2, 0.6), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_every_contact_is_matched_with_its_own_jittered_twin(steps_s, seed):
    true_s = np.cumsum(steps_s)
    jitter = np.random.default_rng(seed).uniform(-0.049, 0.049, true_s.size)
    i, j = match(true_s, true_s + jitter)
    assert i.tolist() == j.tolist() == list(range(true_s.size))
