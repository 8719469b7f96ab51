"""Why a value of a step is missing or to be taken with care."""

from __future__ import annotations

from enum import IntFlag, auto


class Flag(IntFlag):
    """Reasons, as a bit set; files hold the names joined by commas.

    Examples
    --------
    >>> (Flag.GAP | Flag.WALKING).names
    'gap,walking'
    >>> Flag.parse("gap,walking") == Flag.GAP | Flag.WALKING
    True
    """

    CLIPPED = auto()
    """An accelerometer sample of the stride stood at full scale: impact size and trajectory are unsure."""
    SATURATED = auto()
    """A gyroscope sample of the stride stood at full scale and could not be repaired."""
    REPAIRED = auto()
    """A short saturated gyroscope plateau was bridged by a cubic."""
    GAP = auto()
    """Samples are missing within the stride; what rests on them is null."""
    WALKING = auto()
    """A walking step: no flight, so the running models (oscillation, force, calf load, overstride) are null."""
    TURNING = auto()
    """The foot's heading changed by more than 20° over the stride."""
    ACCELERATING = auto()
    """Speed or stride time changed too fast for a steady-state model: starting, stopping, surging."""
    NO_SPEED = auto()
    """Neither belt speed nor a trajectory: what needs speed is null."""
    NO_HEIGHT = auto()
    """The runner's height is unknown: models take their variant without it, or are null."""
    NO_MASS = auto()
    """The runner's mass is unknown: leg stiffness is null."""
    GRADED = auto()
    """Slope beyond 2 %: leg stiffness and overstride, whose models hold on the level only, are null."""
    BELT_DIFFERS = auto()
    """Belt speed and the foot's own path differ by more than a fifth: the belt lags, or its speed is mistyped."""
    FIRST_OF_BOUT = auto()
    """No earlier contact of this foot within the bout: stride values are null."""
    OTHER_FOOT_MISSING = auto()
    """The other pod saw no contact in between: step and flight time are null."""
    MOUNTING_UNSURE = auto()
    """Mounting found by its fallback (clipped samples) or by contradicting votes: angles are unsure."""
    CUT = auto()
    """The recording or the bout ends before this contact's own stance was seen whole."""
    EXTRAPOLATED = auto()
    """Speed beyond the fitted range of the models (2.2–5.0 m/s)."""
    NOT_CLOSED = auto()
    """Over the stride the foot's pose does not come back within 12°, or the mean specific force is nothing like
    gravity: a sensor lost it, or its units are wrong; angles, speed and what rests on them are null."""
    SWAPPED = auto()
    """The motion says that the pod is on the other foot than it claims."""

    @property
    def names(self) -> str:
        """Names of the flags set, joined by commas, in lower case."""
        return ",".join(flag.name.lower() for flag in type(self) if flag in self and flag.name)

    @classmethod
    def parse(cls, text: str) -> Flag:
        """Read names joined by commas.

        Raises
        ------
        KeyError
            If a name is unknown.
        """
        flags = cls(0)
        for name in filter(None, text.split(",")):
            flags |= cls[name.upper()]
        return flags
