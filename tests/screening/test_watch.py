import itertools

import numpy as np

from soleus.model import Foot
from soleus.screening import CalfRaiseWatch, count_calf_raises


def _play(watch, made, piece=20):
    """Push a test in pieces; give the counts in the order in which they were told."""
    track, counts = made.track, []
    for start in range(0, len(track.samples), piece):
        watch.push(track.info, track.samples[start : start + piece])
        found = watch.look().get(track.info.foot)
        counts.append(0 if found is None else found.repetitions)
        if watch.over:
            return counts, start + piece
    return counts, len(track.samples)


def test_the_count_grows_by_one_and_ends_as_the_recording_says(tests):
    made = tests.pod(tests.raises([32.0] * 15, end_s=2.0))
    watch = CalfRaiseWatch([Foot.LEFT], tests.RUNNER)
    counts, _ = _play(watch, made)
    told = [count for count, _ in itertools.groupby(counts)]
    assert told == list(range(16))
    assert watch.finish()[Foot.LEFT] == count_calf_raises(made.motion, tests.RUNNER)
    assert not watch.over


def test_two_low_ones_end_it_at_once(tests):
    made = tests.pod(tests.raises([32.0] * 12 + [18.0] * 6))
    watch = CalfRaiseWatch([Foot.LEFT], tests.RUNNER)
    counts, ended_at = _play(watch, made)
    assert watch.over
    assert counts[-1] == 12
    assert ended_at / 200.0 < 3.0 + 14 * 2.0 + 2.0  # seconds: the second low one is just over


def test_a_pause_ends_a_set_but_not_a_try(tests):
    tried = tests.raises([30.0] * 2, end_s=4.0)
    done = tests.raises([31.0] * 8, stand_s=0.5, end_s=5.0)
    watch = CalfRaiseWatch([Foot.LEFT])
    counts, ended_at = _play(watch, tests.pod(np.concatenate([tried, done])))
    assert watch.over
    assert counts[-1] == 8
    assert ended_at / 200.0 > 3.0 + 4.0 + 4.0 + 16.0


def test_both_legs_one_after_the_other(tests):
    left = tests.pod(np.concatenate([tests.raises([32.0] * 6, end_s=5.0), np.zeros(20_000)]))
    right = tests.pod(np.concatenate([np.zeros(20_000), tests.raises([32.0] * 7, end_s=5.0)]), foot=Foot.RIGHT, seed=4)
    watch = CalfRaiseWatch(list(Foot))
    for start in range(0, len(left.track.samples), 100):
        for made in (left, right):
            watch.push(made.track.info, made.track.samples[start : start + 100])
        watch.look()
        if start / 200.0 < 30.0:
            assert not watch.over
    assert watch.over
    assert {foot: result.repetitions for foot, result in watch.look().items()} == {Foot.LEFT: 6, Foot.RIGHT: 7}
