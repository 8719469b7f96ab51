"""Left against right: how far apart the times of two pods are, measured against their known clocks."""

import numpy as np
import pytest

from soleus.ingest.ble import ClockTold
from soleus.ingest.virtual import WorldSetting
from soleus.model import Foot


@pytest.mark.parametrize(("interval_ms", "packet_error_rate"), [(7.5, 0.0), (15.0, 0.1), (30.0, 0.1)])
def test_left_and_right_agree_within_a_millisecond(recorded, virtual_run, interval_ms, packet_error_rate):
    setting = WorldSetting(
        interval_ms=interval_ms, packet_error_rate=packet_error_rate, clock_drift_ppm=(-100.0, 100.0), seed=7
    )
    run = virtual_run(recorded(50.0, 203.7), 45.0, setting)
    left_s, left_error = run.time_errors_s(Foot.LEFT)
    right_s, right_error = run.time_errors_s(Foot.RIGHT)
    at = np.arange(max(left_s[0], right_s[0]), min(left_s[-1], right_s[-1]), 0.1)
    apart = np.interp(at, left_s, left_error) - np.interp(at, right_s, right_error)
    settled = at > 20.0
    assert np.abs(apart[settled]).max() <= 1e-3
    assert np.abs(apart).max() <= 3e-3, "in the first seconds, when the clocks rest on arrivals"
    for event in run.of(ClockTold):
        if event.time_s > 35:
            assert event.report.source == "exchanges"
            error = left_error if event.device.startswith("left") else right_error
            assert np.abs(error[-500:]).max() <= event.report.bias_bound_s + 4 * event.report.precision_s + 0.5e-3
