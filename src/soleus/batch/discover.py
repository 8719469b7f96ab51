"""What there is to analyse: recordings in folder trees, by patterns, and by name.

A recording is a session folder, finished or a journal still; a file; or two files of a folder whose names differ in
the foot only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow.fs as pafs

from soleus.batch.dataset import ITEMS
from soleus.batch.errors import BatchError
from soleus.batch.places import Place
from soleus.model import Foot
from soleus.recording.imported import foot_in_name
from soleus.recording.session import IMU_FILE
from soleus.recording.session_file import SESSION_FILE
from soleus.recording.source import NOT_RECORDINGS

ENDINGS: Final = (".csv", ".tsv", ".parquet", ".pq", ".json")
"""Endings of recordings that are looked for in folders; other files can be named one by one."""
RESULT_FILES: Final = ("steps.parquet",)
"""Files that tell a folder with the results of an analysis from a session that lost its samples."""
MAGIC: Final = re.compile(r"[*?\[]")
_SEGMENT: Final = re.compile(r"journal-\d{4,}\.arrows")
_FOOT_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Found:
    """A recording, as found.

    Attributes
    ----------
    places
        A session folder or a file; or two files, left first.
    files
        The files that make it up.
    """

    places: tuple[Place, ...]
    files: tuple[pafs.FileInfo, ...]

    @property
    def is_folder(self) -> bool:
        """Whether it is a session folder."""
        return len(self.places) == 1 and all(str(file.path) != self.places[0].path for file in self.files)


def discover(paths: Sequence[str], leave_out: Iterable[Place] = ()) -> list[Found]:
    """Find all recordings at some paths, each once, by place.

    Parameters
    ----------
    paths
        Session folders, files, folders to look through, and patterns with ``*``, ``**``, ``?`` and ``[...]``; of this
        machine or as URIs.
    leave_out
        Files and folders that are no recordings, such as the output.

    Raises
    ------
    BatchError
        If there is nothing at a path.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("run-left.csv", "run-right.csv", "other.csv", "note.txt"):
    ...         _ = (pathlib.Path(folder) / name).write_text("t,ax")
    ...     [[place.name for place in found.places] for found in discover([folder])]
    [['other.csv'], ['run-left.csv', 'run-right.csv']]
    """
    hidden = [place.path for place in leave_out]
    found: dict[tuple[str, ...], Found] = {}
    for path in paths:
        there = _at(path)
        here = [each for each in there if not _is_below(each, hidden)]
        if there and not here:
            raise BatchError(
                f"{_shown(path)}: all that is there lies in --out, where no recordings are looked for, or is a table "
                "of the command; give another --out"
            )
        if not here:
            raise BatchError(f"{_shown(path)}: no recording there; give session folders, CSV, Parquet or JSON files")
        found |= {tuple(place.address for place in each.places): each for each in here}
    return [found[key] for key in sorted(found)]


def look_at(places: Sequence[Place]) -> Found:
    """Look at one recording that somebody named; what is not there is found to be missing when it is read.

    Raises
    ------
    BatchError
        If it cannot be told what is there.
    """
    infos = [place.info() for place in places]
    if len(places) == 1 and infos[0].type == pafs.FileType.Directory:
        return Found(tuple(places), tuple(places[0].below()))
    return Found(tuple(places), tuple(infos))


def find_in(root: Place, infos: Sequence[pafs.FileInfo]) -> list[Found]:
    """Tell the recordings among the files of a tree.

    Parameters
    ----------
    root
        The folder that was listed.
    infos
        All files below it.
    """
    folders: dict[str, list[pafs.FileInfo]] = {}
    datasets = {str(info.path).partition(f"/{ITEMS}/")[0] + "/" for info in infos if f"/{ITEMS}/" in str(info.path)}
    for info in infos:
        path = str(info.path)
        inside = path[len(root.path.rstrip("/")) + 1 :]
        of_a_batch = datasets and any(path.startswith(dataset) for dataset in datasets)
        if not of_a_batch and not any(part.startswith((".", "_")) for part in inside.split("/")):
            folders.setdefault(path.rpartition("/")[0], []).append(info)
    sessions = {folder for folder, files in folders.items() if _is_session(files)}
    found = []
    for folder, files in folders.items():
        if folder in sessions:
            found.append(Found((root.at(folder),), tuple(files)))
        elif not _is_result(files) and not any(folder.startswith(f"{session}/") for session in sessions):
            found += _loose(root, [file for file in files if _may_be_recording(file)])
    return found


def _at(path: str) -> list[Found]:
    place = Place.parse(path)
    info = place.info()
    if info.type == pafs.FileType.NotFound and MAGIC.search(place.path):
        return _matching(place)
    if info.type == pafs.FileType.NotFound:
        raise BatchError(f"{place.shown}: it does not exist; check the path")
    if info.type == pafs.FileType.Directory:
        return find_in(place, place.below())
    return [_of_file(place, info)]


def _matching(wanted: Place) -> list[Found]:
    """Find what a pattern matches; a folder that matches is looked through."""
    match = MAGIC.search(wanted.path)
    begin = wanted.path[: match.start() if match else None].rpartition("/")[0]
    place = wanted.at(begin or "/")
    pattern = _compiled(wanted.path[len(begin) + 1 :])
    inside: dict[str, list[pafs.FileInfo]] = {}
    chosen: list[pafs.FileInfo] = []
    for info in place.below():
        parts = str(info.path)[len(place.path.rstrip("/")) + 1 :].split("/")
        whole = next((i for i in range(1, len(parts)) if pattern.fullmatch("/".join(parts[:i]))), None)
        if whole is not None:
            inside.setdefault("/".join(parts[:whole]), []).append(info)
        elif pattern.fullmatch("/".join(parts)) and not parts[-1].startswith("."):
            chosen.append(info)
    found = [each for folder in inside for each in find_in(place / folder, inside[folder])]
    sessions = {str(info.path).rpartition("/")[0] for info in chosen if _is_part(str(info.path).rpartition("/")[2])}
    found += [look_at([place.at(session)]) for session in sorted(sessions)]
    loose = [info for info in chosen if str(info.path).rpartition("/")[0] not in sessions]
    by_folder: dict[str, list[pafs.FileInfo]] = {}
    for info in loose:
        by_folder.setdefault(str(info.path).rpartition("/")[0], []).append(info)
    return found + [each for files in by_folder.values() for each in _loose(place, files)]


def _compiled(pattern: str) -> re.Pattern[str]:
    """Make a regular expression of a pattern: ``*`` stays within a folder, ``**`` goes through all below."""
    text = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern):
        match part:
            case "**/":
                text += "(?:.*/)?"
            case "**":
                text += ".*"
            case "*":
                text += "[^/]*"
            case "?":
                text += "[^/]"
            case _ if part.startswith("[") and part.endswith("]"):
                text += "[" + part[1:-1].replace("\\", "\\\\").replace("!", "^", 1 if part[1] == "!" else 0) + "]"
            case _:
                text += re.escape(part)
    return re.compile(text)


def _of_file(place: Place, info: pafs.FileInfo) -> Found:
    """Take a file that was named; a part of a session stands for the session."""
    return look_at([place.parent]) if _is_part(place.name) else Found((place,), (info,))


def _is_part(name: str) -> bool:
    return name in {SESSION_FILE, IMU_FILE} or _SEGMENT.fullmatch(name) is not None


def _is_session(files: Sequence[pafs.FileInfo]) -> bool:
    names = {str(file.path).rpartition("/")[2] for file in files}
    if IMU_FILE in names or any(_SEGMENT.fullmatch(name) for name in names):
        return True
    return SESSION_FILE in names and not names & set(RESULT_FILES)


def _is_result(files: Sequence[pafs.FileInfo]) -> bool:
    names = {str(file.path).rpartition("/")[2] for file in files}
    return SESSION_FILE in names


def _may_be_recording(file: pafs.FileInfo) -> bool:
    path = str(file.path)
    return file.type == pafs.FileType.File and path.lower().endswith(ENDINGS) and not path.endswith(NOT_RECORDINGS)


def _loose(root: Place, files: Sequence[pafs.FileInfo]) -> list[Found]:
    """Put the files of a folder together: two whose names differ in the foot only are one recording."""
    groups: dict[tuple[str, str], dict[Foot, pafs.FileInfo]] = {}
    alone: list[pafs.FileInfo] = []
    for file in files:
        stem, _, ending = str(file.path).rpartition("/")[2].rpartition(".")
        foot = foot_in_name(stem)
        group = groups.setdefault((_without_foot(stem), ending), {}) if foot is not None else {}
        if foot is None or foot in group:
            alone.append(file)
        else:
            group[foot] = file
    found = [Found((root.at(str(file.path)),), (file,)) for file in alone]
    for group in groups.values():
        pair = tuple(group[foot] for foot in sorted(group))
        found.append(Found(tuple(root.at(str(file.path)) for file in pair), pair))
    return found


def _without_foot(stem: str) -> str:
    return _FOOT_WORD.sub(lambda word: "" if foot_in_name(word[0]) is not None else word[0], stem)


def _is_below(found: Found, hidden: Sequence[str]) -> bool:
    return any(place.path == path or place.path.startswith(f"{path}/") for place in found.places for path in hidden)


def _shown(path: str) -> str:
    scheme, mark, rest = path.partition("://")
    return f"{scheme}{mark}{rest.partition('?')[0].rpartition('@')[2]}" if mark else path
