"""Runs that write the same dataset: who is at it now, and what those left behind that were killed."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from soleus.batch.dataset import RUNS, Dataset
from soleus.batch.errors import BatchError
from soleus.batch.places import Place, run_of
from soleus.recording.journal_disk import is_being_written

if sys.platform != "win32":
    import fcntl

LOCK_ENDING: Final = ".lock"
LOCK_MOST_BYTES: Final = 4096
_CAN_ASK: Final = sys.platform != "win32"
"""Whether the system tells who holds a file."""


class _Lock(msgspec.Struct, frozen=True, kw_only=True):
    settings_key: str


@contextlib.contextmanager
def running(place: Place, settings_key: str) -> Iterator[Dataset]:
    """Be a run that writes a dataset, for as long as the block lasts or the process lives.

    Several runs may write one dataset at once if they work by the same settings; in an object store, where nobody can
    be asked, that is not checked.

    Raises
    ------
    BatchError
        If a run with other settings is writing there.
    """
    run = secrets.token_hex(4)
    if not place.is_local:
        yield Dataset(place, run)
        return
    lock = Path((place / RUNS / f"{run}{LOCK_ENDING}").path)
    made = [folder for folder in lock.parents if not folder.exists()]
    with place.told("write"):
        lock.parent.mkdir(parents=True, exist_ok=True)
        starting = lock.with_name(f".{run}.starting")
        handle = starting.open("xb")
    refused = False
    try:
        # Held before it has its name: nobody may take it for the leftover of a run that was killed.
        _hold(handle)
        with place.told("write"):
            handle.write(msgspec.json.encode(_Lock(settings_key=settings_key)))
            handle.flush()
            starting.rename(lock)
        _refuse_other_settings(place, run, settings_key)
        yield Dataset(place, run)
    except BaseException:
        refused = True
        raise
    finally:
        handle.close()
        for path in (starting, lock):
            path.unlink(missing_ok=True)
        if refused:
            _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    """Take away the folders that a run made and wrote nothing into, the innermost first."""
    with contextlib.suppress(OSError):  # something is in it
        for folder in folders:
            folder.rmdir()


def _refuse_other_settings(place: Place, run: str, settings_key: str) -> None:
    for other, path in _locks(place).items():
        if other == run or not is_being_written(path):
            continue
        try:
            known = msgspec.json.decode(path.read_bytes()[:LOCK_MOST_BYTES], type=_Lock)
        except (OSError, msgspec.MsgspecError, ValueError):
            continue
        if known.settings_key != settings_key:
            raise BatchError(
                f"{place.shown}: a run with other settings (program, rules or reports) is writing there; wait for it, "
                "or give another --out"
            )


def others_running(dataset: Dataset) -> bool:
    """Tell whether another run is writing the dataset now; of an object store nobody knows."""
    if not _CAN_ASK or not dataset.place.is_local:
        return True
    return any(run != dataset.run and is_being_written(path) for run, path in _locks(dataset.place).items())


def clean(dataset: Dataset) -> int:
    """Remove what runs that were killed left behind; give the number of files removed.

    Raises
    ------
    BatchError
        If a file cannot be removed.
    """
    if not _CAN_ASK or not dataset.place.is_local:
        return 0  # in a store, an object that was not completed is not there
    locks = _locks(dataset.place)
    alive = {run for run, path in locks.items() if run == dataset.run or is_being_written(path)}
    removed = 0
    for info in dataset.place.below():
        place = dataset.place.at(str(info.path))
        run = run_of(place.name)
        if run is not None and run not in alive:
            removed += place.remove()
    for run, path in locks.items():
        if run not in alive:
            removed += dataset.place.at(str(path)).remove()
    return removed


def _locks(place: Place) -> dict[str, Path]:
    return {
        name.removesuffix(LOCK_ENDING): Path(str(info.path))
        for info in (place / RUNS).below()
        if (name := str(info.path).rpartition("/")[2]).endswith(LOCK_ENDING) and not name.startswith(".")
    }


def _hold(file: BinaryIO) -> None:
    """Hold a file for as long as it is open: until this process ends, however it ends."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
