"""The shape of the tables we write: steps and warnings, with unit and meaning in each field's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

SCHEMA_VERSION: Final = "1.0"
STEPS_SCHEMA_NAME: Final = "soleus.steps"
WARNINGS_SCHEMA_NAME: Final = "soleus.warnings"

FEET: Final = ("left", "right")
SPEED_SOURCES: Final = ("belt", "trajectory")
FOOT_STRIKES: Final = ("rearfoot", "midfoot", "forefoot")
SEVERITIES: Final = ("info", "notice", "caution", "stop")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, unit, meaning, and for a word column the words by code."""

    name: str
    unit: str
    meaning: str
    words: tuple[str, ...] | None = None

    @property
    def field(self) -> pa.Field[Any]:
        """The Arrow field, with unit and description as metadata."""
        kind: pa.DataType = pa.dictionary(pa.int8(), pa.string()) if self.words is not None else pa.float64()
        if self.name == "flags":
            kind = pa.dictionary(pa.int32(), pa.string())
        if self.name in {"rule", "message", "evidence", "reference"}:
            kind = pa.string()
        return pa.field(self.name, kind, metadata={"unit": self.unit, "description": self.meaning})


STEP_COLUMNS: Final = (
    Column("foot", "", "The foot in contact", FEET),
    Column("initial_contact_s", "s", "Initial contact: vertical ground reaction force rises through 50 N"),
    Column("toe_off_s", "s", "Toe-off: vertical ground reaction force falls through 50 N"),
    Column("contact_time_s", "s", "Toe-off minus initial contact"),
    Column("flight_time_s", "s", "The other foot's next initial contact minus this toe-off; negative in walking"),
    Column("step_time_s", "s", "The other foot's next initial contact minus this one"),
    Column("stride_time_s", "s", "This initial contact minus the same foot's previous one"),
    Column(
        "cadence_spm",
        "steps/min",
        "60 / step time: steps of both feet; from the stride where the step is unknown",
    ),
    Column("duty_factor", "1", "Contact time over stride time"),
    Column("speed_mps", "m/s", "Speed over ground or belt of the stride that ends here"),
    Column("speed_source", "", "Where the speed comes from", SPEED_SOURCES),
    Column("grade", "1", "Rise over run of the belt"),
    Column(
        "stride_length_m",
        "m",
        "Distance between this and the same foot's previous contact, from the trajectory",
    ),
    Column("step_length_m", "m", "Speed times step time"),
    Column(
        "foot_strike_angle_deg",
        "deg",
        "Foot pitch at initial contact relative to flat foot; toes up positive",
    ),
    Column("foot_strike", "", "rearfoot > 8°, forefoot < -1.6°, else midfoot (Altman & Davis 2012)", FOOT_STRIKES),
    Column("pronation_excursion_deg", "deg", "Roll from initial contact to its everted extreme in stance"),
    Column("vertical_oscillation_m", "m", "Rise and fall of the centre of mass over the step, spring-mass model"),
    Column("vertical_ratio", "1", "Vertical oscillation over step length"),
    Column("overstride_m", "m", "Heel ahead of the pelvis centre at initial contact, modelled"),
    Column("peak_force_bw", "bw", "Peak vertical ground reaction force, spring-mass model"),
    Column("leg_stiffness_kn_per_m", "kN/m", "Leg stiffness, spring-mass model (Morin 2005); level ground only"),
    Column("achilles_peak_bw", "bw", "Peak Achilles tendon force of the contact, modelled"),
    Column("achilles_impulse_bws", "bw·s", "Achilles tendon force integrated over the contact, modelled"),
    Column("calf_dose", "bw^6·s", "Achilles force to the sixth power integrated over the contact, modelled"),
    Column("quality", "1", "Share of the step that rests on good samples and plausible events, 0-1"),
    Column("flags", "", "Reasons for missing or unsure values, joined by commas"),
)

WARNING_COLUMNS: Final = (
    Column("time_s", "s", "Session time at which the rule fired"),
    Column("rule", "", "Name of the rule"),
    Column("severity", "", "info, notice, caution or stop", SEVERITIES),
    Column("message", "", "What changed, by how much, against what, and what to try"),
    Column("evidence", "", "JSON object of the numbers that made the rule fire"),
    Column("foot", "", "The foot concerned; null for both", FEET),
    Column("reference", "", "Source of the rule"),
)


def schema(columns: tuple[Column, ...], name: str) -> pa.Schema:
    """Build the Arrow schema of a table, its name and version in the metadata.

    Examples
    --------
    >>> schema(STEP_COLUMNS, STEPS_SCHEMA_NAME).metadata[b"schema_version"]
    b'1.0'
    """
    return pa.schema([column.field for column in columns], metadata={"schema": name, "schema_version": SCHEMA_VERSION})


STEPS_SCHEMA: Final = schema(STEP_COLUMNS, STEPS_SCHEMA_NAME)
WARNINGS_SCHEMA: Final = schema(WARNING_COLUMNS, WARNINGS_SCHEMA_NAME)
