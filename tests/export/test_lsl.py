"""Streams are read back by the reference library, on this machine alone."""

import os
import subprocess
import sys
import textwrap
import uuid

import numpy as np
import pytest

pytest.importorskip("pylsl")

LOOPBACK_ONLY = """
[ports]
IPv6 = disable
[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
TTLOverride = 0
[lab]
KnownPeers = {127.0.0.1}
[log]
level = -3
"""

READ_BACK = """
import sys, time
import numpy as np, pylsl
from soleus.live.lsl import LslOutlet
from soleus.live.news import Marked, PodJoined, SamplesTaken, StepsFound, Told, WarningsSaid
from soleus.model import STEP_COLUMNS, Foot, PodInfo, PodSamples, Steps, Warnings
from soleus.recording import read_session, read_steps

folder, name = sys.argv[1:]
recording, steps = read_session(folder), read_steps(folder)
before = pylsl.local_clock()
outlet = LslOutlet.starting(5.0, source_id=name)
assert before - 5.0 <= outlet.lsl_time(0.0) <= pylsl.local_clock() - 5.0
outlet.take(SamplesTaken(recording.pods[0].samples[:10]))  # before its pod is known: nothing to scale it by
outlet.take(Told(0.0, "left alone"))
for track in recording.pods:
    outlet.take(PodJoined(0.0, track.info))
    outlet.take(PodJoined(1.0, track.info))


def inlet(stream):
    (found,) = [
        info for info in pylsl.resolve_byprop("source_id", f"{name} {stream}", minimum=1, timeout=20)
    ]
    opened = pylsl.StreamInlet(found)
    opened.open_stream(timeout=20)
    return opened


def all_of(inlet, wanted):
    rows, stamps, until = [], [], time.monotonic() + 20
    while len(stamps) < wanted and time.monotonic() < until:
        got, at = inlet.pull_chunk(timeout=0.5, max_samples=4096)
        rows += got
        stamps += at
    return rows, np.array(stamps)


pods = {track.info.foot: inlet(f"Soleus {track.info.foot.label} pod") for track in recording.pods}
step_inlet, marker_inlet = inlet("Soleus steps"), inlet("Soleus markers")
n = 3000
for at in range(0, n, 500):
    for track in recording.pods:
        outlet.take(SamplesTaken(track.samples[at : at + 500]))
outlet.take(StepsFound(0.0, steps.select(slice(0, 40))))
outlet.take(StepsFound(0.0, Steps.empty()))
outlet.take(StepsFound(0.0, steps.select(slice(40, 100))))
outlet.take(WarningsSaid(Warnings.from_rows([(12.5, "contact-asymmetry", 2, "m", "{}", 0, "")])))
outlet.take(Marked(14.0, "lap"))
outlet.take(Marked(15.5, "pain", 4.0))

for track in recording.pods:
    rows, stamps = all_of(pods[track.info.foot], n)
    sent = track.samples[:n]
    assert len(rows) == n
    worst = np.abs(stamps - outlet.lsl_time(0.0) - sent.time_s).max()
    assert worst < 1e-3, worst
    expected = np.concatenate([sent.accel_mps2(track.info), sent.gyro_rads(track.info)]).T
    np.testing.assert_allclose(np.array(rows), expected, rtol=1e-6, atol=1e-6)
    info = pods[track.info.foot].info()
    desc, channel = info.desc(), info.desc().child("channels").child("channel")
    assert (info.type(), info.nominal_srate()) == ("IMU", track.info.rate_hz)
    assert desc.child_value("foot") == track.info.foot.label
    labels = []
    while not channel.empty():
        labels.append((channel.child_value("label"), channel.child_value("unit")))
        channel = channel.next_sibling()
    assert labels == [(a, "m/s^2") for a in ("ax", "ay", "az")] + [(g, "rad/s") for g in ("gx", "gy", "gz")]
    print("worst stamp", worst)

rows, stamps = all_of(step_inlet, 100)
assert np.abs(stamps - outlet.lsl_time(0.0) - steps["initial_contact_s"][:100]).max() < 1e-3
rows = np.array(rows)
for position, column in enumerate(STEP_COLUMNS):
    expected = steps[column.name][:100].astype(float)
    if column.words:
        expected[expected < 0] = np.nan
    np.testing.assert_array_equal(rows[:, position], expected)
channel, found = step_inlet.info().desc().child("channels").child("channel"), []
while not channel.empty():
    found.append((channel.child_value("label"), channel.child_value("unit")))
    channel = channel.next_sibling()
assert found == [(column.name, column.unit) for column in STEP_COLUMNS]

rows, stamps = all_of(marker_inlet, 3)
assert [row[0] for row in rows] == ["warning contact-asymmetry (left)", "lap", "pain 4"]
assert np.abs(stamps - outlet.lsl_time(0.0) - np.array([12.5, 14.0, 15.5])).max() < 1e-3
outlet.close()
print("all read back")
"""


def test_streams_are_read_back_with_their_own_stamps(sample_sessions, tmp_path):
    """In a process of its own: the library reads its configuration once, and this one keeps it off the network."""
    settings = tmp_path / "lsl_api.cfg"
    settings.write_text(LOOPBACK_ONLY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(READ_BACK), str(sample_sessions["steady_rearfoot"]),
         f"test-{uuid.uuid4().hex}"],
        env=os.environ | {"LSLAPICFG": str(settings)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "all read back" in done.stdout


def test_a_missing_library_is_said(monkeypatch):
    from soleus.live.lsl import LslError, LslOutlet

    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(LslError, match=r"LSL streams need the library pylsl: pip install 'soleus\[lsl\]'"):
        LslOutlet(0.0)
    with pytest.raises(LslError, match="session time zero on the LSL clock is inf"):
        LslOutlet(np.inf)
