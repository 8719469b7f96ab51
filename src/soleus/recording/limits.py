"""How large a file may be before it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20
"""Bytes in a mebibyte."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that are checked before memory is taken.

    Attributes
    ----------
    file_bytes
        Size of a CSV or Parquet file [bytes].
    json_bytes
        Size of a JSON log or ``session.json``, which are parsed as a whole [bytes].
    text_bytes
        Size of a profile or runner file [bytes].
    rows
        Samples of all pods together: two pods at 400 Hz for 24 h are 69 million.
    row_group_rows
        Samples of one Parquet row group, the unit in which a session is streamed.
    held_rows
        Samples of an imported file that are kept in memory while it is streamed (33 bytes each); a longer file is read
        twice instead.

    Examples
    --------
    >>> Limits(rows=1_000).rows
    1000
    """

    file_bytes: int = 16_384 * MIB
    json_bytes: int = 256 * MIB
    text_bytes: int = 1 * MIB
    rows: int = 100_000_000
    row_group_rows: int = 20_000_000
    held_rows: int = 2_000_000


DEFAULT_LIMITS: Final = Limits()
"""The limits of :func:`soleus.recording.read` unless others are given."""
