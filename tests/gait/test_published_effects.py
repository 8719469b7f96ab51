"""What is published of the load on the Achilles tendon, shown by the whole core on simulated runners.

The simulator's own laws of contact time, force and tendon load are not those of the models (see its documentation), so
this shows that direction and size survive the way from samples to steps. Absolute loads are not compared: methods
differ by a factor of three.
"""

import functools

import numpy as np
import pytest

from soleus.batch import analyze
from soleus.model import Runner
from soleus.simulate import Bout, Scenario, simulate
from soleus.simulate.scenario import BeltReadings
from soleus.simulate.session import without_noise

OWN_CADENCE = 167.43  # of the simulated runner at 3.33 m/s
REARFOOT, MIDFOOT, FOREFOOT = 12.0, 2.0, -8.0


@functools.cache
def medians(speed_mps: float = 3.33, grade: float = 0.0, cadence: float = 1.0, strike_deg: float | None = None):
    """Median of each column over half a minute of running."""
    bout = Bout(
        kind="run", speed_mps=speed_mps, duration_s=40, grade=grade, strike_angle_deg=strike_deg,
        cadence_spm=None if cadence == 1.0 else OWN_CADENCE * cadence,
    )  # fmt: skip
    runner = Runner(mass_kg=68.0, height_m=1.75)
    made = simulate(without_noise(Scenario(name="s", bouts=(bout,), runner=runner, belt=BeltReadings())), 2)
    rows = analyze(made.recording, rules=()).step_rows
    known = {name: values[np.isfinite(values)] for name, values in rows.columns.items() if values.dtype == np.float64}
    found = {name: float(np.median(values)) for name, values in known.items() if values.size}
    for name in ("achilles_impulse_bws", "calf_dose"):
        found[f"{name}_per_m"] = found[name] * found["cadence_spm"] / 60.0 / speed_mps
    return found


def change(column: str, before: dict, after: dict) -> float:
    """Relative change [%]."""
    return 100.0 * (after[column] / before[column] - 1.0)


def test_ankle_load_with_speed():
    """Inverse dynamics of a runner of Fukuchi 2017: peak moment +11, +17 %, impulse a step -17 %."""
    slow, middle, fast = (medians(v) for v in (2.5, 3.5, 4.5))
    assert change("achilles_peak_bw", slow, middle) == pytest.approx(11.0, abs=8.0)
    assert change("achilles_peak_bw", slow, fast) == pytest.approx(17.0, abs=8.0)
    assert change("achilles_impulse_bws", slow, fast) == pytest.approx(-17.0, abs=6.0)


@pytest.mark.parametrize("strike_deg", [None, REARFOOT, MIDFOOT, FOREFOOT])
def test_peak_rises_with_speed_but_less_than_tensiometry_shows(strike_deg):
    """Shear-wave tensiometry (PMC11096059) has +23 % from 2.68 to 4.47 m/s, this model +13 to +14, whatever the strike.

    The model is fitted to ankle moments by inverse dynamics, and these rise less: 12 runners of Fukuchi 2017 from 2.5
    to 4.5 m/s by 10 % (standard deviation between runners 7), as estimated from their feet 11 % (6). The two methods
    differ; a model that met the first would miss the second.
    """
    slow, fast = (medians(v, strike_deg=strike_deg) for v in (2.68, 4.47))
    assert 12.0 < change("achilles_peak_bw", slow, fast) < 31.0


def test_load_of_a_kilometre_with_speed():
    """Firminger 2020: cumulative load falls with speed, damage-weighted load rises or stays."""
    slow, fast = medians(2.68), medians(4.47)
    assert change("achilles_impulse_bws_per_m", slow, fast) < -20.0
    assert change("calf_dose_per_m", slow, fast) > 0.0


def test_load_with_foot_strike():
    """Almonroeder 2013: impulse +11 % in non-rearfoot strike; JSSM 2025: FFS > MFS > RFS, more so for impulse."""
    rear, middle, fore = (medians(strike_deg=angle) for angle in (REARFOOT, MIDFOOT, FOREFOOT))
    assert 5.0 < change("achilles_impulse_bws", rear, fore) < 25.0
    for column in ("achilles_impulse_bws", "achilles_peak_bw"):
        assert rear[column] < middle[column] < fore[column]
    assert change("achilles_impulse_bws", rear, fore) > change("achilles_peak_bw", rear, fore)


def test_load_with_cadence():
    """Lyght 2016, Lenhart 2014, Musgjerd 2021, Heiderscheit 2011: each step costs less, a kilometre does not."""
    own, more, most = (medians(cadence=share) for share in (1.0, 1.05, 1.10))
    assert -8.0 < change("peak_force_bw", own, medians(cadence=1.073)) < -1.0  # in-shoe force -5.6 % (Musgjerd 2021)
    assert -5.0 < change("achilles_peak_bw", own, more) < -1.0
    assert -8.0 < change("achilles_peak_bw", own, most) < -2.0
    assert abs(change("achilles_impulse_bws_per_m", own, most)) < 2.0
    for column in ("peak_force_bw", "vertical_oscillation_m", "overstride_m", "step_length_m"):
        assert own[column] > more[column] > most[column]


def test_load_with_grade():
    """Rice 2024: the leg's load rises uphill and falls downhill; Neves 2014: peak ground force does the reverse."""
    level, up, down = (medians(grade=g) for g in (0.0, 0.10, -0.10))
    for column in ("achilles_peak_bw", "achilles_impulse_bws"):
        assert down[column] < level[column] < up[column]
    assert up["peak_force_bw"] < level["peak_force_bw"] < down["peak_force_bw"]
