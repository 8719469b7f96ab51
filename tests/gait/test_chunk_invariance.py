"""However a recording is cut into pushes, the rows are the same, bit for bit."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from soleus.gait import GaitAnalyzer
from soleus.model import Belt, Foot, PodSamples, PodTrack, Recording, Steps

BASES = ("run", "intervals", "loss", "ringing", "100+400", "50+200", "1600+160", "one pod", "clipping", "walk")
DISTURBANCES = ("gap", "break", "duplicate", "reversed", "leap", "nan", "jitter", "clip", "saturate", "zeros")


@pytest.fixture(scope="session")
def bases(recordings) -> dict[str, Recording]:
    """Short recordings of every kind."""
    sensor, pod, gait = recordings.Sensor, recordings.Pod, recordings.Gait
    turned = {"left": pod(lace_deg=70, tilt_deg=20), "right": pod(lace_deg=190, tilt_deg=-12)}
    one = recordings.run(**turned).recording
    return {
        "run": one,
        "intervals": recordings.bouts(("stand", 0, 2), ("walk", 1.4, 4), ("run", 3.0, 8), ("stand", 0, 2)).recording,
        "loss": recordings.run(
            left=pod(loss_share=0.06, burst_s=0.05), right=pod(loss_share=0.03, burst_s=0.4, lace_deg=180)
        ).recording,
        "ringing": recordings.run(4.2, gait=gait(strike_angle_deg=18), sensor=sensor(ringing_level=2)).recording,
        "100+400": recordings.mixed_rates(100, 400, duration_s=12.0, **turned),
        "50+200": recordings.mixed_rates(50, 200, duration_s=12.0),
        "1600+160": recordings.mixed_rates(1600, 160, duration_s=10.0),
        "one pod": Recording(one.pods[1:], runner=one.runner),
        "clipping": recordings.run(
            4.0, sensor=sensor(accel_range_g=8, gyro_range_dps=500, stamp_jitter_s=0.002)
        ).recording,
        "walk": recordings.bouts(("walk", 1.5, 14)).recording,
    }


def disturbed(track: PodTrack, kinds: tuple[str, ...], seed: int) -> PodTrack:  # noqa: C901  (a case a kind)
    """Damage a track in places that the seed gives."""
    rng = np.random.default_rng(seed)
    time, counts = track.samples.time_s.copy(), track.samples.counts.copy()
    step = float(np.median(np.diff(time)))
    for kind in kinds:
        n = time.size
        at = int(rng.integers(n // 3, n - 2))
        match kind:
            case "gap" | "break":
                width = round((rng.uniform(0.005, 0.24) if kind == "gap" else rng.uniform(0.26, 1.5)) / step)
                time, counts = np.delete(time, slice(at, at + width)), np.delete(counts, slice(at, at + width), axis=1)
            case "duplicate":
                time[at : at + 2] = time[at - 1]
            case "reversed":
                time[at : at + int(rng.integers(1, 8))] -= rng.uniform(0.001, 0.5)
            case "leap":
                time[at] += rng.uniform(0.3, 100)
            case "nan":
                time[at] = np.nan
            case "jitter":
                time += rng.normal(0, 0.15 * step, n)
            case "clip":
                counts[:3] = np.clip(counts[:3].astype(int) * 3, -32768, 32767)
            case "saturate":
                width = round(rng.uniform(0.004, 0.06) / step) + 1
                counts[3 + int(rng.integers(3)), at : at + width] = 32767
            case "zeros":
                counts[:, at : at + round(0.3 / step)] = 0
    return PodTrack(track.info, PodSamples(track.info.foot, time, counts))


def cuts_of(n: int, style: str, seed: int) -> np.ndarray:
    """Edges of the pieces of n samples."""
    rng = np.random.default_rng(seed)
    if style == "single samples":
        # one by one would take long for a whole recording; a stretch of it will do, at any place
        first = int(rng.integers(0, n))
        middle = np.arange(first, min(n, first + 250))
        return np.unique(np.concatenate([[0], middle, np.arange(0, n, 37), [n]]))
    if style == "packets":
        return np.unique(np.append(np.arange(0, n, int(rng.integers(2, 40))), n))
    return np.unique(np.concatenate([[0, n], rng.integers(0, n + 1, int(rng.integers(1, 30)))]))


def in_pieces(recording: Recording, style: str, late_s: float, seed: int, belt: Belt | None = None):
    """Yield (samples, belt) pushes: each pod in its order, the second late, belt readings before what follows them."""
    pieces = []
    for i, track in enumerate(recording.pods):
        n = len(track.samples)
        clock = np.linspace(0, 1, n) * recording.duration_s  # the stamps themselves may be damaged
        edges = cuts_of(n, style, seed + i)
        pieces += [(clock[a] + i * late_s, clock[b - 1], track.samples[a:b]) for a, b in itertools.pairwise(edges)]
    pieces.sort(key=lambda piece: piece[0])
    told = 0
    for _, until, samples in pieces:
        reading = None
        if belt is not None:
            upto = int(np.searchsorted(belt.time_s, until + 2.0))
            if upto > told:
                reading = Belt(belt.time_s[told:upto], belt.speed_mps[told:upto], belt.grade[told:upto])
                told = upto
        yield [samples], reading


def by_pieces(recording: Recording, pushes, runner) -> tuple[Steps, GaitAnalyzer]:
    analyzer = GaitAnalyzer([track.info for track in recording.pods], runner)
    rows = [analyzer.push(samples, reading) for samples, reading in pushes]
    return Steps.concat([*rows, analyzer.finish()]), analyzer


def differing(a: Steps, b: Steps) -> str:
    """Name what differs, for the message of a failure."""
    if len(a) != len(b):
        return f"{len(a)} rows against {len(b)}"
    return ", ".join(
        f"{name} in {int((a[name] != b[name])[~((a[name] != a[name]) & (b[name] != b[name]))].sum())} rows"
        for name in a.columns
        if a[name].tobytes() != b[name].tobytes()
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    base=st.sampled_from(BASES),
    kinds=st.lists(st.sampled_from(DISTURBANCES), max_size=4).map(tuple),
    style=st.sampled_from(("single samples", "packets", "random")),
    late_s=st.sampled_from((0.0, 0.02, 0.7, 3.5, 1000.0)),
    with_belt=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@example("run", (), "single samples", 0.0, True, 1)
@example("loss", ("gap", "reversed"), "packets", 3.5, True, 2)
@example("clipping", ("saturate", "leap"), "single samples", 0.7, False, 3)
def test_rows_do_not_depend_on_the_cuts(recordings, bases, base, kinds, style, late_s, with_belt, seed):
    recording = bases[base]
    recording = dataclasses.replace(
        recording, pods=tuple(disturbed(track, kinds, seed + i) for i, track in enumerate(recording.pods))
    )
    belt = None
    if with_belt:
        rng = np.random.default_rng(seed)
        time = np.sort(rng.uniform(0, 12, 15))
        belt = Belt(time, rng.uniform(2.5, 4.0, 15), rng.choice([0.0, 0.01, 0.03], 15))
    whole, one = recordings.rows(recording, belt)
    parts, many = by_pieces(recording, in_pieces(recording, style, late_s, seed, belt), recordings.RUNNER)
    assert whole == parts, differing(whole, parts)
    assert one.counts == many.counts


@pytest.mark.parametrize("base", ["100+100", *(pytest.param(base, marks=pytest.mark.slow) for base in BASES)])
def test_a_push_a_sample_gives_the_rows_of_one_push(recordings, bases, base):
    """The last word in fine cuts: every sample in a push of its own, feet in turn."""
    recording = recordings.mixed_rates(100, 100, duration_s=12.0) if base == "100+100" else bases[base]
    short = tuple(dataclasses.replace(t, samples=t.samples[:3000]) for t in recording.pods)
    recording = dataclasses.replace(recording, pods=short)
    order = sorted((s.time_s[i], f, i) for f, s in enumerate(t.samples for t in short) for i in range(len(s)))
    pushes = (([short[f].samples[i : i + 1]], None) for _, f, i in order)
    whole, one = recordings.rows(recording)
    parts, many = by_pieces(recording, pushes, recordings.RUNNER)
    assert len(whole) > 0
    assert whole == parts, differing(whole, parts)
    assert one.counts == many.counts


def test_empty_pushes_change_nothing(recordings, bases):
    recording = bases["run"]
    nothing = [PodSamples(foot, np.empty(0), np.empty((6, 0), np.int16)) for foot in Foot]
    whole, _ = recordings.rows(recording)

    def pushes():
        yield nothing, None
        for piece in in_pieces(recording, "packets", 0.0, 5):
            yield piece
            yield nothing, None
            yield [], None

    assert by_pieces(recording, pushes(), recordings.RUNNER)[0] == whole


@pytest.mark.parametrize("minutes", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_a_long_run_with_slips_and_refreshes(recordings, minutes):
    """Mountings are looked at anew over minutes: this too must not depend on the cuts."""
    made = recordings.run(
        duration_s=minutes * 60.0,
        left=recordings.Pod(slip_s=40.0, slip_deg=14.0, loss_share=0.01),
        right=recordings.Pod(lace_deg=90.0, slip_s=70.0, slip_deg=25.0),
    )
    whole, _ = recordings.rows(made.recording)
    parts, _ = by_pieces(made.recording, in_pieces(made.recording, "packets", 0.3, 11), recordings.RUNNER)
    assert len(whole) > 150 * minutes
    assert whole == parts, differing(whole, parts)
