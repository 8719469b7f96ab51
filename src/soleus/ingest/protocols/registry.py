"""Recognise a device from its advertisement."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache

from soleus.ingest import heart_rate, protocols, treadmill
from soleus.ingest.protocols import soleus_pod
from soleus.ingest.protocols.block import ProtocolError
from soleus.ingest.protocols.family import Advertisement, Family
from soleus.model import Foot


@dataclass(frozen=True, slots=True)
class Recognised:
    """A device and what its advertisement tells.

    Attributes
    ----------
    family
        What it is.
    foot
        The side it claims, ``None`` if it claims none.
    battery_pct
        Battery level [%], ``None`` if not told.
    """

    family: Family
    foot: Foot | None = None
    battery_pct: int | None = None

    @property
    def sentence(self) -> str:
        """What to tell the user in one sentence."""
        return self.family.remark or f"{self.family.title}: usable."


@cache
def families() -> tuple[Family, ...]:
    """List all families: those of the modules of ``protocols``, treadmills and heart-rate straps last.

    Examples
    --------
    >>> sorted(family.key for family in families() if family.usable and family.kind == "pod")
    ['capture2go', 'metamotion', 'movesense', 'polar-verity-sense', 'soleus', 'thingy52']
    """
    found: list[Family] = []
    for entry in sorted(pkgutil.iter_modules(protocols.__path__), key=lambda entry: entry.name):
        if entry.name != "registry":
            module = importlib.import_module(f"{protocols.__name__}.{entry.name}")
            found += getattr(module, "FAMILIES", ())
    return (*found, *treadmill.FAMILIES, *heart_rate.FAMILIES)


def recognise(seen: Advertisement) -> Recognised | None:
    """Tell what a device is; ``None`` if it is of no concern to us.

    A service decides before a name, since names can be changed; standard services decide last, since a pod may
    offer them too.

    Examples
    --------
    >>> found = recognise(Advertisement(name="Movella DOT"))
    >>> found.family.usable, found.sentence
    (False, 'Movella DOT streams at most 60 Hz, too slow for contact times; ...')
    >>> recognise(Advertisement(name="Kitchen lamp")) is None
    True
    """
    own = [family for family in families() if family not in STANDARD]
    candidates = [family for family in own if family.advertises_service(seen)]
    candidates += [family for family in own if family.has_name(seen)]
    candidates += [family for family in STANDARD if family.advertises_service(seen)]
    if not candidates:
        return None
    if candidates[0] is soleus_pod.SOLEUS:
        return _soleus(seen)
    return Recognised(candidates[0])


STANDARD = (*treadmill.FAMILIES, *heart_rate.FAMILIES)
"""Families known by a standard service only."""


def _soleus(seen: Advertisement) -> Recognised:
    try:
        told = soleus_pod.decode_advertisement(seen.manufacturer_data)
    except ProtocolError:
        # The service alone makes it a Soleus pod; the rest is read from it after the connection.
        told = None
    if told is None:
        return Recognised(soleus_pod.SOLEUS)
    known = told.battery_pct != soleus_pod.BATTERY_UNKNOWN
    return Recognised(soleus_pod.SOLEUS, soleus_pod.foot_of(told.side), told.battery_pct if known else None)
