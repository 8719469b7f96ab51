"""From a scenario and a seed to a recording and its truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from soleus.model import Belt, Foot, Recording
from soleus.simulate.course import Course
from soleus.simulate.foot import FootMotion, move_foot
from soleus.simulate.scenario import BeltReadings, Scenario, checked
from soleus.simulate.sensor import record
from soleus.simulate.steps import walk_through
from soleus.simulate.truth import truth_table

SIMULATION_KEY: Final = b"simulation"
"""Key of the truth table's metadata under which scenario, seed and counted defects lie, as JSON."""
START_UTC: Final = datetime(2025, 1, 1, 8, 0, tzinfo=UTC)
"""Every simulated session starts here, so that two of the same seed are the same."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated session.

    Attributes
    ----------
    recording
        What pods and belt delivered.
    truth
        One row a contact: the columns of the Steps contract, ``t_next_ic`` and ``bout``; times are true session
        time. Metadata ``simulation`` holds scenario, seed and the count of each defect of each pod.
    feet
        The exact movement of the left and the right foot.
    """

    recording: Recording
    truth: pa.Table
    feet: tuple[FootMotion, FootMotion]

    @property
    def facts(self) -> dict[str, Any]:
        """Scenario, seed and counted defects."""
        found: dict[str, Any] = json.loads((self.truth.schema.metadata or {})[SIMULATION_KEY])
        return found


def simulate(scenario: Scenario, seed: int = 0) -> Simulated:
    """Simulate a session: the same scenario and seed give the same bits.

    The runner is drawn after mean kinematics of real runners, but its laws and constants (contact time, centre of
    pressure, force shape, tendon arm, ringing, ...) are the simulator's own and differ from those of the estimators.
    An estimator that passes here is coded rightly; how accurate it is on people only people can tell.
    The shape of the running stride itself is a mean over public data on which estimators may have been fitted too
    (``waveforms.csv``), so small errors here are to be expected and prove nothing about unseen runners.

    Parameters
    ----------
    scenario
        What happens; see :func:`~soleus.simulate.scenario.read_scenario`.
    seed
        Not negative. Variation between steps and every defect of every pod have random streams of their own: to
        change one leaves the others as they are.

    Raises
    ------
    ScenarioError
        If the scenario has a value out of range.

    Examples
    --------
    >>> from soleus.simulate import Bout, Scenario
    >>> made = simulate(Scenario(name="short", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=5),)), seed=1)
    >>> len(made.recording.pods), made.truth.num_rows
    (2, 13)
    """
    scenario = checked(scenario)
    steps_seed, feet_seed, left_seed, right_seed = np.random.SeedSequence(seed).spawn(4)
    course = Course.of(scenario)
    contacts = walk_through(scenario, course, np.random.Generator(np.random.PCG64DXSM(steps_seed)))
    feet_generator = np.random.Generator(np.random.PCG64DXSM(feet_seed))
    belt = scenario.surface == "treadmill"
    left, right = (
        move_foot(contacts.of_foot(code), side, scenario.gait, course, belt=belt, generator=feet_generator)
        for code, side in ((0, 1), (1, -1))
    )
    tracks, defects = [], {}
    for foot, motion, pod, pod_seed in (
        (Foot.LEFT, left, scenario.left, left_seed),
        (Foot.RIGHT, right, scenario.right, right_seed),
    ):
        if not pod.present:
            continue
        made = record(motion, scenario.sensor, pod, scenario.duration_s, pod_seed)
        label = foot.other if scenario.swapped_feet else foot
        tracks.append(made.track(label, scenario.sensor))
        defects[foot.label] = {**made.defects, "labelled": label.label}
    tracks.sort(key=lambda track: track.info.foot)
    facts = {"scenario": msgspec.to_builtins(scenario), "seed": seed, "defects": defects}
    recording = Recording(
        tuple(tracks),
        runner=scenario.runner,
        belt=None if scenario.belt is None else _belt(scenario.belt, course, scenario.duration_s),
        start_utc=START_UTC,
        source=f"simulation {scenario.name}, seed {seed}",
        extra={"simulation": {"scenario": scenario.name, "seed": seed}},
    )
    truth = truth_table(scenario, course, contacts, (left, right), seed)
    truth = truth.replace_schema_metadata({SIMULATION_KEY: json.dumps(facts)})
    return Simulated(recording, truth, (left, right))


def _belt(readings: BeltReadings, course: Course, duration_s: float) -> Belt:
    """Read the treadmill: late, rounded, off by a scale."""
    time = np.arange(0.0, duration_s, readings.interval_s)
    then = time - readings.lag_s
    speed = readings.speed_scale * course.speed_at(then)
    grade = course.grade_at(then)
    if readings.speed_step_mps:
        speed = np.round(speed / readings.speed_step_mps) * readings.speed_step_mps
    if readings.grade_step:
        grade = np.round(grade / readings.grade_step) * readings.grade_step
    return Belt(time, speed, grade)


def without_noise(scenario: Scenario) -> Scenario:
    """Give the same scenario with an ideal sensor: no bias, noise, ringing or jitter; only the counts remain.

    Examples
    --------
    >>> from soleus.simulate import read_scenario
    >>> without_noise(read_scenario("steady_rearfoot")).sensor.ringing_level
    0.0
    """
    zero = dict.fromkeys(
        (
            "accel_noise_ug_rthz",
            "gyro_noise_mdps_rthz",
            "accel_bias_mg",
            "gyro_bias_dps",
            "accel_walk_ug_rts",
            "gyro_walk_mdps_rts",
            "scale_sd",
            "cross_axis_sd",
            "g_sensitivity_dps_g",
            "ringing_level",
            "stamp_jitter_s",
        ),
        0.0,
    )
    return msgspec.structs.replace(scenario, sensor=msgspec.structs.replace(scenario.sensor, **zero))
