"""What a viewer may ask for: small JSON bodies, parsed strictly."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

BODY_MOST: Final = 512
"""Longest body taken [bytes]: the longest one that means something has some forty."""
BELT_MOST_MPS: Final = 15.0
"""Fastest belt that is believed [m/s]: beyond every treadmill."""
GRADE_MOST: Final = 0.5


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A button without a value."""


class Pain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much the calf hurts now."""

    rating: Annotated[float, msgspec.Meta(ge=0, le=10)]


class BeltTyped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A belt speed [m/s] and grade typed by hand."""

    speed_mps: Annotated[float, msgspec.Meta(ge=0, le=BELT_MOST_MPS)]
    grade: Annotated[float, msgspec.Meta(ge=-GRADE_MOST, le=GRADE_MOST)] = 0.0


class Mute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether sound is muted on all displays."""

    muted: bool


class Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A display gave a cue to the runner, by voice, by tone, or to the eye alone."""

    cue: Annotated[int, msgspec.Meta(ge=1)]
    how: Literal["voice", "tone", "shown"]
