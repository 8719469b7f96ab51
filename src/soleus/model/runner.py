"""Who runs: the body measures that the models need, with their documented defaults."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

LEG_TO_HEIGHT: Final = 0.53
"""Leg length over height; Winter 2009, *Biomechanics and Motor Control*, fig. 4.1 (doi:10.1002/9780470549148)."""
FOOT_TO_HEIGHT: Final = 0.152
"""Foot length over height; Winter 2009, fig. 4.1."""

Surface = Literal["treadmill", "track", "road", "trail", "grass", "sand", "mixed"]
"""What is run on, as the runner tells it."""

Metres = Annotated[float, msgspec.Meta(gt=0, le=3)]


class Runner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The runner, as far as known; what is not known stays ``None`` and what needs it stays null.

    Attributes
    ----------
    name
        Any name; used to group sessions.
    mass_kg, height_m
        Body mass [kg] and height [m].
    leg_length_m
        Hip (greater trochanter) to floor [m]; without it 0.53 × height (Winter 2009).
    foot_length_m
        Foot length [m]; without it 0.152 × height (Winter 2009).
    shoe_drop_m
        Heel-to-toe drop of the shoe [m].
    shoe
        Any name of the shoe; used to notice a new one.
    surface
        What is usually run on; a treadmill that is connected goes before it.
    age_years, sex
        For norms of the screening tests only.

    Examples
    --------
    >>> Runner(height_m=1.75).leg_m
    0.9275
    >>> Runner().leg_m is None
    True
    """

    name: str = ""
    mass_kg: Annotated[float, msgspec.Meta(ge=20, le=250)] | None = None
    height_m: Annotated[float, msgspec.Meta(ge=1.0, le=2.5)] | None = None
    leg_length_m: Annotated[float, msgspec.Meta(ge=0.4, le=1.5)] | None = None
    foot_length_m: Annotated[float, msgspec.Meta(ge=0.1, le=0.45)] | None = None
    shoe_drop_m: Annotated[float, msgspec.Meta(ge=-0.02, le=0.05)] | None = None
    shoe: Annotated[str, msgspec.Meta(max_length=100)] = ""
    surface: Surface | None = None
    age_years: Annotated[int, msgspec.Meta(ge=5, le=120)] | None = None
    sex: Literal["female", "male", "other"] | None = None

    @property
    def leg_m(self) -> float | None:
        """Leg length [m], measured or from height."""
        if self.leg_length_m is not None:
            return self.leg_length_m
        return None if self.height_m is None else round(LEG_TO_HEIGHT * self.height_m, 4)

    @property
    def foot_m(self) -> float | None:
        """Foot length [m], measured or from height."""
        if self.foot_length_m is not None:
            return self.foot_length_m
        return None if self.height_m is None else round(FOOT_TO_HEIGHT * self.height_m, 4)
