"""The machine a benchmark ran on: figures of speed mean nothing without it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

CPU_FACTS: Final = Path("/proc/cpuinfo")
LIBRARIES: Final = ("soleus", "numpy", "scipy", "pyarrow")


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Processor, system and versions.

    Attributes
    ----------
    cpu, cores
        Name of the processor, and how many cores this process may use.
    system, python
        Operating system, and version of Python.
    libraries
        Versions by name.
    load
        Processes that ran or waited to run in the last minute; ``None`` where the system does not tell.
    """

    cpu: str
    cores: int
    system: str
    python: str
    libraries: dict[str, str]
    load: float | None


def this_machine() -> Machine:
    """Describe the machine at this moment.

    Examples
    --------
    >>> this_machine().cores >= 1
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        cpu=_cpu_name(),
        cores=cores,
        system=platform.platform(),
        python=platform.python_version(),
        libraries={name: version(name) for name in LIBRARIES},
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def _cpu_name() -> str:
    if CPU_FACTS.exists():
        for line in CPU_FACTS.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
