"""What happened during a run - a pod declared silent, pain told, a pod that joined late - has its effect again."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.model import Foot, PainTold, Silence, Steps, Warnings
from soleus.pipeline import Pipeline


def cut(samples, draw_s):
    """Pieces of the given lengths [s], then the rest."""
    pieces, begin, time_s = [], 0, samples.time_s
    for length_s in draw_s:
        end = int(np.searchsorted(time_s, time_s[begin] + length_s)) if begin < len(samples) else begin
        pieces.append(samples[begin:end])
        begin = end
    return [*pieces, samples[begin:]]


def joined(out):
    steps, warnings = zip(*out, strict=True)
    return Steps.concat(steps), Warnings.concat(warnings)


lengths = st.lists(st.floats(0.1, 9.0), min_size=1, max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=lengths, right=lengths, again=lengths, data=st.data())
def test_again_the_same(recordings, left, right, again, data):
    """However a run was cut, and whenever things happened in it, the whole recording in other cuts gives the same."""
    recording = recordings.run(duration_s=45.0, seed=4).recording
    tracks = {track.info.foot: track for track in recording.pods}
    pods = [track.info for track in recording.pods]
    live, happened, out = Pipeline(pods, recording.runner), [], []
    out.append(live.push())
    for one, other in zip(cut(tracks[Foot.LEFT].samples, left), cut(tracks[Foot.RIGHT].samples, right), strict=False):
        out.append(live.push([piece for piece in (one, other) if len(piece)]))
        match data.draw(st.sampled_from(["nothing", "silence", "pain"])):
            case "silence" if len(one):
                foot = data.draw(st.sampled_from(list(Foot)))
                steps, warnings, silence = live.advance(foot, float(one.time_s[-1]) - data.draw(st.floats(-1.0, 3.0)))
                happened.append(silence)
                out.append((steps, warnings))
            case "pain":
                warnings, told = live.tell_pain(float(len(happened)), data.draw(st.floats(0.0, 10.0)))
                happened.append(told)
                out.append((Steps.empty(), warnings))
    for foot, draws in ((Foot.LEFT, left), (Foot.RIGHT, right)):
        rest = cut(tracks[foot].samples, draws)[min(len(left), len(right)) + 1 :]
        out += [live.push([piece]) for piece in rest if len(piece)]
    out.append(live.finish())
    second = Pipeline(pods, recording.runner, happened=happened)
    rows = [second.push()]
    for foot in Foot:
        rows += [second.push([piece]) for piece in cut(tracks[foot].samples, again) if len(piece)]
    rows.append(second.finish())
    assert joined(rows)[0] == joined(out)[0]
    assert joined(rows)[1] == joined(out)[1]


@pytest.mark.parametrize("join_s", [8.0, 17.3])
def test_a_pod_that_joins_late(recordings, join_s):
    recording = recordings.run(duration_s=30.0, seed=2).recording
    left, right = recording.pods
    live = Pipeline([left.info], recording.runner)
    first = int(np.searchsorted(left.samples.time_s, join_s))
    out = [live.push([left.samples[:first]])]
    steps, warnings, silence = live.add_pod(right.info, join_s + 1.0)
    out += [(steps, warnings), live.push([left.samples[first:], right.samples]), live.finish()]
    assert silence == Silence(Foot.RIGHT, join_s + 1.0, 0)
    again = Pipeline([left.info, right.info], recording.runner, happened=[silence])
    rows = [again.push([right.samples, left.samples]), again.finish()]
    assert joined(rows)[0] == joined(out)[0]
    assert set(joined(rows)[0]["foot"].tolist()) == {0, 1}
    with pytest.raises(ValueError, match="the right foot has a pod already"):
        live.add_pod(right.info, 40.0)


def test_what_cannot_be_placed_changes_nothing_before_it(recordings):
    """Pain after more steps than there are is told in the end; a silence of a foot without a pod is left out."""
    recording = recordings.run(duration_s=20.0).recording
    alone = recording.pods[0]
    happened = [PainTold(5.0, 6.0, after_steps=10_000), Silence(Foot.RIGHT, 9.0, 0)]
    odd = Pipeline([alone.info], recording.runner, happened=happened)
    plain = Pipeline([alone.info], recording.runner)
    rows = [odd.push([alone.samples]), odd.finish()]
    bare = [plain.push([alone.samples]), plain.finish()]
    assert joined(rows)[0] == joined(bare)[0]
    assert "pain-stop" in joined(rows)[1]["rule"].tolist()
