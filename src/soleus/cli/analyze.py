"""``soleus analyze``: one recording in, its steps out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from soleus.model import Belt, Runner
    from soleus.recording import RecordingReader


def analyze(
    path: list[Path],
    /,
    *,
    runner: Path | None = None,
    height: str | None = None,
    mass: str | None = None,
    belt_speed: str | None = None,
    grade: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    profile: str | None = None,
    foot: Literal["left", "right"] | None = None,
    out: Path | None = None,
    history: Annotated[Path | None, Parameter(name="--history")] = None,
    no_history: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    rules: Path | None = None,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Find every step of a recording and say what it shows.

    Prints a summary and writes steps.parquet, warnings.parquet and session.json.

    Parameters
    ----------
    path
        A session folder; a CSV, TSV, Parquet or Movesense JSON file; a folder with one file of each foot; or two files.
    runner
        TOML file with the runner's measures: height_m, mass_kg, leg_length_m, ...
    height
        The runner's height with its unit: 1.78m, 178cm or 5ft10.
    mass
        The runner's mass with its unit: 70kg or 154lb.
    belt_speed
        Speed of the treadmill, or pace: 12km/h, 3.3m/s, 7.5mph, 5:00/km. Without it the speed is that of the
        recording, or comes from the movement of the feet.
    grade
        Grade of the treadmill: 1% or 0.01. Needs --belt-speed.
    profile
        How to read the columns: the name of a ready profile or a TOML file. Without it, it is guessed, and said.
    foot
        The foot, for a file of one pod; or the one to take of two.
    out
        Where the tables go; by default the session folder itself, or NAME.soleus beside the file.
    history
        The log to compare with and to add the session to, made if need be; by default the runner's own, if there is
        one.
    no_history
        Use no log.
    rules
        TOML file of rules of your own; by default those in the folder rules among your own files.
    json
        Print the summary as JSON instead.
    """
    from soleus.batch import analyze as analyze_recording
    from soleus.batch.output import write_result
    from soleus.batch.summary import summarize
    from soleus.cli.rules import rules_in_force
    from soleus.cli.summary_text import show_summary
    from soleus.cli.terminal import screen, working, write_json
    from soleus.cli.with_history import help_as_json, help_for, remember, show_help, use_history
    from soleus.recording import open_recording

    _refuse_results(path)
    belt = _belt(belt_speed, grade)
    source = ", ".join(str(p) for p in path)
    with open_recording(path if len(path) > 1 else path[0], profile=profile, foot=foot, belt=belt) as reader:
        who, runner_note = _runner(reader, runner, height, mass)
        log = use_history(history, who, reader.start_utc, without=no_history)
        with working(f"Analysing {source} ..."):
            result = analyze_recording(reader, runner=who, rules=rules_in_force(rules), history=log.summary)
        summary = summarize(result, source)
        folder = out if out is not None else _beside(path)
        files = write_result(
            result,
            summary,
            folder,
            start_utc=reader.start_utc,
            extra=reader.extra,
            configuration=_configuration(belt_speed, grade, profile, foot),
        )
    log_note, guidance = remember(log, folder), help_for(summary)
    if json:
        names = [str(file) for file in files]
        write_json({"summary": summary, "files": names, "guidance": help_as_json(guidance), "history": log_note})
    else:
        show_summary(screen(), summary, files)
        show_help(screen(), guidance, (runner_note, log_note))


def _refuse_results(paths: list[Path]) -> None:
    """Tell apart the tables that an analysis left in a folder of their own from a session that lost its samples."""
    from soleus.recording.session import IMU_FILE
    from soleus.recording.session_file import SESSION_FILE

    for folder in paths:
        names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
        samples = IMU_FILE in names or any(name.endswith(".arrows") for name in names)
        if {SESSION_FILE, "steps.parquet"} <= names and not samples:
            raise UsageError(
                f"{folder}: holds the results of an analysis, but no samples; give the recording itself, or use "
                "soleus report or soleus export on the results"
            )


def _belt(speed: str | None, grade: str | None) -> Belt | None:
    from soleus.model import Belt
    from soleus.recording import parse_grade, parse_speed

    if speed is None:
        if grade is not None:
            raise UsageError("--grade needs --belt-speed: a grade alone cannot be used")
        return None
    return Belt.constant(parse_speed(speed), 0.0 if grade is None else parse_grade(grade))


def _runner(reader: RecordingReader, file: Path | None, height: str | None, mass: str | None) -> tuple[Runner, str]:
    """Take the recording's runner, or the file's; height and mass from the command go before both."""
    import msgspec

    from soleus.cli.body_measures import parse_height, parse_mass
    from soleus.cli.with_history import or_own_runner
    from soleus.recording import load_runner

    known, note = or_own_runner(reader.runner) if file is None else (load_runner(file), "")
    given: dict[str, float] = {}
    if height is not None:
        given["height_m"] = parse_height(height)
    if mass is not None:
        given["mass_kg"] = parse_mass(mass)
    return msgspec.structs.replace(known, **given), note


def _beside(paths: list[Path]) -> Path:
    first = paths[0]
    if first.is_dir():
        return first
    return first.with_name(f"{first.stem}.soleus")


def _configuration(belt_speed: str | None, grade: str | None, profile: str | None, foot: str | None) -> dict[str, Any]:
    said = {"belt_speed": belt_speed, "grade": grade, "profile": profile, "foot": foot}
    return {"analyze": {name: value for name, value in said.items() if value is not None}}
