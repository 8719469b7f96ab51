"""What is simulated: the session, the runner's gait, the pods; typed, and read from TOML."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np

from soleus.model import Runner

MAX_DURATION_S: Final = 6 * 3600.0
"""Longest session made [s]; bounds the memory before any is taken."""

Degrees = Annotated[float, msgspec.Meta(ge=-360.0, le=360.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=0.9)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0, le=1e6)]


class ScenarioError(ValueError):
    """A scenario that cannot be read or that contradicts itself."""


class Bout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stretch of the session with one aim.

    Attributes
    ----------
    kind
        What the runner does.
    duration_s
        Length of the bout, its ramp included [s].
    speed_mps
        Speed after the ramp [m/s]; 0 and only 0 when standing.
    grade
        Rise over run after the ramp (0.05 = 5 % uphill).
    ramp_s
        Time in which speed and grade change from those of the bout before [s]; the first bout has none.
    cadence_spm
        Cadence held in this bout [steps/min]; without it the runner's own at the speed.
    strike_angle_deg
        Foot strike angle aimed at in this bout [°]; without it the runner's own.
    turn_deg
        Change of heading, spread evenly over the bout, left positive [°]; overground only.
    """

    kind: Literal["stand", "walk", "run"]
    duration_s: Annotated[float, msgspec.Meta(gt=0.0, le=MAX_DURATION_S)]
    speed_mps: Annotated[float, msgspec.Meta(ge=0.0, le=8.0)] = 0.0
    grade: Annotated[float, msgspec.Meta(ge=-0.3, le=0.3)] = 0.0
    ramp_s: Annotated[float, msgspec.Meta(ge=0.0, le=600.0)] = 3.0
    cadence_spm: Annotated[float, msgspec.Meta(ge=80.0, le=240.0)] | None = None
    strike_angle_deg: Annotated[float, msgspec.Meta(ge=-20.0, le=35.0)] | None = None
    turn_deg: Annotated[float, msgspec.Meta(ge=-36000.0, le=36000.0)] = 0.0


class Gait(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this runner runs: means at 3.2 m/s on the level, and how much single steps differ.

    Attributes
    ----------
    cadence_spm, contact_time_s, strike_angle_deg
        Cadence [steps/min], contact time [s] and foot strike angle [°].
    contact_asymmetry
        (left − right) / mean contact time.
    strike_asymmetry_deg
        Left minus right foot strike angle [°].
    step_time_cv, contact_time_cv
        Coefficients of variation from step to step; long-range correlated.
    strike_sd_deg
        SD of the foot strike angle [°].
    toe_out_deg
        Toes outward of the way of travel while the foot is flat [°].
    swing_scale, roll_scale
        Size of the pitch in swing and of inversion and eversion, relative to the mean runner.
    force_exponent
        Vertical force follows sin^p over the contact.
    centre_of_pressure_m
        Force-weighted centre of pressure ahead of the heel [m]; without it 0.098 × height.
    """

    cadence_spm: Annotated[float, msgspec.Meta(ge=120.0, le=220.0)] = 166.0
    contact_time_s: Annotated[float, msgspec.Meta(ge=0.12, le=0.4)] = 0.240
    strike_angle_deg: Annotated[float, msgspec.Meta(ge=-15.0, le=30.0)] = 14.0
    contact_asymmetry: Annotated[float, msgspec.Meta(ge=-0.3, le=0.3)] = 0.0
    strike_asymmetry_deg: Annotated[float, msgspec.Meta(ge=-15.0, le=15.0)] = 0.0
    step_time_cv: Annotated[float, msgspec.Meta(ge=0.0, le=0.05)] = 0.010
    contact_time_cv: Annotated[float, msgspec.Meta(ge=0.0, le=0.08)] = 0.022
    strike_sd_deg: Annotated[float, msgspec.Meta(ge=0.0, le=5.0)] = 1.3
    toe_out_deg: Annotated[float, msgspec.Meta(ge=-20.0, le=30.0)] = 5.0
    swing_scale: Annotated[float, msgspec.Meta(ge=0.8, le=1.2)] = 1.0
    roll_scale: Annotated[float, msgspec.Meta(ge=0.3, le=2.0)] = 1.0
    force_exponent: Annotated[float, msgspec.Meta(ge=0.8, le=1.6)] = 1.08
    centre_of_pressure_m: Annotated[float, msgspec.Meta(ge=0.10, le=0.30)] | None = None


class Fatigue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A drift 1 − exp(−(t − start) / time constant) that scales the changes below.

    Attributes
    ----------
    start_s, time_constant_s
        Onset and time constant [s].
    contact_left, contact_right
        Final relative change of contact time.
    cadence
        Final relative change of cadence.
    strike_left_deg, strike_right_deg
        Final change of the foot strike angle [°].
    """

    start_s: NotNegative = 0.0
    time_constant_s: Annotated[float, msgspec.Meta(gt=0.0, le=1e5)] = 240.0
    contact_left: Annotated[float, msgspec.Meta(ge=-0.3, le=0.3)] = 0.0
    contact_right: Annotated[float, msgspec.Meta(ge=-0.3, le=0.3)] = 0.0
    cadence: Annotated[float, msgspec.Meta(ge=-0.2, le=0.2)] = 0.0
    strike_left_deg: Annotated[float, msgspec.Meta(ge=-15.0, le=15.0)] = 0.0
    strike_right_deg: Annotated[float, msgspec.Meta(ge=-15.0, le=15.0)] = 0.0


class Sensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The inertial sensor that both pods hold; the defaults are those of a good consumer part.

    Attributes
    ----------
    rate_hz
        Sampling rate [Hz].
    accel_range_g, gyro_range_dps
        Full scale [g], [°/s]; int16 spans it.
    accel_noise_ug_rthz, gyro_noise_mdps_rthz
        Noise densities [µg/√Hz], [m°/s/√Hz].
    accel_bias_mg, gyro_bias_dps
        SD of the constant bias of each axis [mg], [°/s].
    accel_walk_ug_rts, gyro_walk_mdps_rts
        Random walk of the biases [µg/√s], [m°/s/√s].
    scale_sd, cross_axis_sd
        SD of the scale errors and of the cross-axis terms.
    g_sensitivity_dps_g
        SD of the gyroscope's answer to specific force [°/s/g].
    ringing_level
        Size of the shoe's and strap's ringing after contact and toe-off: 1 typical, 2 hard, 0 none.
    stamp_jitter_s
        SD of the error of a time stamp [s].
    samples_per_packet
        Samples that share a radio packet, and are lost together.
    """

    rate_hz: Annotated[float, msgspec.Meta(ge=50.0, le=1600.0)] = 200.0
    accel_range_g: Annotated[float, msgspec.Meta(ge=2.0, le=400.0)] = 16.0
    gyro_range_dps: Annotated[float, msgspec.Meta(ge=125.0, le=8000.0)] = 2000.0
    accel_noise_ug_rthz: NotNegative = 160.0
    gyro_noise_mdps_rthz: NotNegative = 8.0
    accel_bias_mg: NotNegative = 25.0
    gyro_bias_dps: NotNegative = 0.8
    accel_walk_ug_rts: NotNegative = 40.0
    gyro_walk_mdps_rts: NotNegative = 3.0
    scale_sd: Annotated[float, msgspec.Meta(ge=0.0, le=0.1)] = 0.006
    cross_axis_sd: Annotated[float, msgspec.Meta(ge=0.0, le=0.1)] = 0.006
    g_sensitivity_dps_g: NotNegative = 0.04
    ringing_level: Annotated[float, msgspec.Meta(ge=0.0, le=5.0)] = 1.0
    stamp_jitter_s: Annotated[float, msgspec.Meta(ge=0.0, le=0.02)] = 0.0
    samples_per_packet: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 4


class Pod(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One pod: how it sits, when it sends, and what goes wrong.

    Attributes
    ----------
    present
        Whether there is a pod on this foot at all.
    lace_deg
        Turn about the normal of the lace [°].
    tilt_deg, lean_deg
        Tilt about the foot's lateral and long axis [°].
    lever_m
        Where the sensor sits from the ball of the foot, in foot axes (forward, left, up) [m].
    start_s, stop_s
        Session times between which it records [s].
    clock_offset_s, clock_drift_ppm
        Error of its time stamps at the start [s] and its growth [ppm], as far as nobody
        corrected them.
    loss_share, burst_s
        Share of the packets lost and mean length of a burst [s] (Gilbert–Elliott).
    slip_s, slip_deg
        When the pod slips, if it does [s], and how far, about a random axis [°].
    """

    present: bool = True
    lace_deg: Degrees = 0.0
    tilt_deg: Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)] = 15.0
    lean_deg: Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)] = 0.0
    lever_m: tuple[float, float, float] = (-0.085, 0.004, 0.066)
    start_s: NotNegative = 0.0
    stop_s: NotNegative | None = None
    clock_offset_s: Annotated[float, msgspec.Meta(ge=-3600.0, le=3600.0)] = 0.0
    clock_drift_ppm: Annotated[float, msgspec.Meta(ge=-50000.0, le=50000.0)] = 0.0
    loss_share: Share = 0.0
    burst_s: Annotated[float, msgspec.Meta(gt=0.0, le=60.0)] = 0.06
    slip_s: NotNegative | None = None
    slip_deg: Annotated[float, msgspec.Meta(ge=0.0, le=90.0)] = 8.0


class BeltReadings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the treadmill tells of itself.

    Attributes
    ----------
    interval_s, lag_s
        Time between readings and their age [s].
    speed_step_mps, grade_step
        Resolution of speed [m/s] and grade.
    speed_scale
        Told speed over true speed.
    """

    interval_s: Annotated[float, msgspec.Meta(ge=0.05, le=60.0)] = 1.0
    lag_s: Annotated[float, msgspec.Meta(ge=0.0, le=30.0)] = 0.4
    speed_step_mps: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.1 / 3.6
    grade_step: Annotated[float, msgspec.Meta(ge=0.0, le=0.05)] = 0.001
    speed_scale: Annotated[float, msgspec.Meta(gt=0.5, le=2.0)] = 1.0


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session to simulate.

    Attributes
    ----------
    name, description
        For the record.
    surface
        On a treadmill the foot moves back with the belt in stance; overground it stands still.
    bouts
        What happens, in order. The session is already under way at time zero.
    runner
        Body measures, written to the recording.
    gait, fatigue, sensor
        How the runner runs, tires, and is measured.
    left, right
        The two pods.
    belt
        Treadmill readings; ``None``: there are none.
    swapped_feet
        The pods are on the wrong feet: each is labelled with the other's name.

    Examples
    --------
    >>> s = Scenario(name="easy", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=20),))
    >>> s.duration_s, s.surface
    (20.0, 'treadmill')
    """

    name: str
    description: str = ""
    surface: Literal["treadmill", "overground"] = "treadmill"
    bouts: Annotated[tuple[Bout, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    runner: Runner = msgspec.field(default_factory=lambda: Runner(mass_kg=68.0, height_m=1.75))
    gait: Gait = msgspec.field(default_factory=Gait)
    fatigue: Fatigue = msgspec.field(default_factory=Fatigue)
    sensor: Sensor = msgspec.field(default_factory=Sensor)
    left: Pod = msgspec.field(default_factory=Pod)
    right: Pod = msgspec.field(default_factory=Pod)
    belt: BeltReadings | None = None
    swapped_feet: bool = False

    @property
    def duration_s(self) -> float:
        """Length of the session [s]."""
        return float(sum(bout.duration_s for bout in self.bouts))

    def __post_init__(self) -> None:
        if self.duration_s > MAX_DURATION_S:
            raise ScenarioError(f"the bouts last {self.duration_s:.0f} s together; at most {MAX_DURATION_S:.0f} s")
        for i, bout in enumerate(self.bouts):
            if (bout.kind == "stand") != (bout.speed_mps == 0.0):
                raise ScenarioError(
                    f"bouts[{i}]: a '{bout.kind}' bout at speed_mps = {bout.speed_mps}; only standing has speed 0"
                )
            if i and bout.ramp_s > bout.duration_s:
                raise ScenarioError(f"bouts[{i}]: ramp_s {bout.ramp_s} s is longer than duration_s {bout.duration_s} s")
            if bout.turn_deg and self.surface == "treadmill":
                raise ScenarioError(f"bouts[{i}]: turn_deg on a treadmill; use surface = 'overground'")
        if self.belt is not None and self.surface != "treadmill":
            raise ScenarioError("belt readings need surface = 'treadmill'")
        if not (self.left.present or self.right.present):
            raise ScenarioError("neither pod is present")


def read_scenario(path: Path | str) -> Scenario:
    """Read a scenario from a TOML file, or a ready one by its name.

    Raises
    ------
    ScenarioError
        If there is no such file, it is not TOML, or a key or value is unknown or out of range.

    Examples
    --------
    >>> read_scenario("ideal").sensor.accel_noise_ug_rthz
    0.0
    """
    ready = {Path(entry.name).stem: entry for entry in _ready_files()}
    try:
        text = ready[str(path)].read_bytes() if str(path) in ready else Path(path).read_bytes()
    except OSError as error:
        names = ", ".join(sorted(ready))
        raise ScenarioError(f"no scenario '{path}': give a TOML file or one of {names}") from error
    try:
        return msgspec.toml.decode(text, type=Scenario)
    except (msgspec.DecodeError, ScenarioError, UnicodeDecodeError) as error:
        raise ScenarioError(f"scenario '{path}': {error}") from error


def checked(scenario: Scenario) -> Scenario:
    """Check a scenario made in Python as if it had been read from a file; numpy's numbers become Python's.

    Raises
    ------
    ScenarioError
        If a value is out of range or of the wrong kind.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(scenario, enc_hook=_plain), Scenario)
    except (msgspec.ValidationError, TypeError) as error:
        raise ScenarioError(f"scenario '{scenario.name}': {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} cannot be part of a scenario")


def ready_scenarios() -> tuple[str, ...]:
    """Name the scenarios that come with the package.

    Examples
    --------
    >>> "steady_rearfoot" in ready_scenarios()
    True
    """
    return tuple(sorted(Path(entry.name).stem for entry in _ready_files()))


def _ready_files() -> list[resources.abc.Traversable]:
    folder = resources.files("soleus.simulate") / "scenarios"
    return [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
