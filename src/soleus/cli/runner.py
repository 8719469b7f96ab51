"""``soleus runner``: the runner's file, asked for and shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from soleus.model import Runner

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Surface = Literal["treadmill", "track", "road", "trail", "grass", "sand", "mixed"]
MAX_TRIES: Final = 3
"""How often a question is asked again before giving up."""
QUESTIONS: Final = {
    "name": "Name (any)",
    "height": "Height, such as 1.78m or 5ft10",
    "mass": "Mass, such as 70kg or 154lb",
    "age": "Age in years",
    "sex": "Sex for the norms of the tests: female, male or other",
    "shoe": "Shoe (any name)",
    "drop": "Heel-to-toe drop of the shoe, such as 8mm",
    "surface": "Usual ground: treadmill, track, road, trail, grass, sand or mixed",
}


def init(
    *,
    name: str | None = None,
    height: str | None = None,
    mass: str | None = None,
    age: Annotated[int | None, Parameter(validator=validators.Number(gte=5, lte=120))] = None,
    sex: Literal["female", "male", "other"] | None = None,
    shoe: str | None = None,
    drop: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    surface: Surface | None = None,
    out: Path | None = None,
    force: Flag = False,
) -> None:
    """Write the runner's file; asks for what is not given, where somebody is there to ask.

    An empty answer leaves a thing unknown, or as it was.

    Parameters
    ----------
    name
        Any name; sessions that name nobody or this name are yours.
    height
        Height with its unit: 1.78m, 178cm or 5ft10. Without it loads are less sure.
    mass
        Mass with its unit: 70kg or 154lb. Leg stiffness needs it.
    age
        Age in years, for the norms of the tests only.
    sex
        For the norms of the tests only.
    shoe
        Any name of the shoe.
    drop
        Heel-to-toe drop of the shoe: 8mm.
    surface
        What you usually run on.
    out
        The file; by default runner.toml among your own files, which every command then uses.
    force
        Replace the file without asking; what is not given stays as it was.
    """
    from soleus.cli.terminal import screen
    from soleus.history import runner_file
    from soleus.recording import load_runner

    place = out if out is not None else runner_file()
    before = load_runner(place) if place.exists() else None
    options = {
        "name": name, "height": height, "mass": mass, "age": None if age is None else str(age), "sex": sex,
        "shoe": shoe, "drop": drop, "surface": surface,
    }  # fmt: skip
    given = {key: value for key, value in options.items() if value is not None}
    asks = not given and sys.stdin.isatty()
    if not given and not asks:
        raise UsageError(
            "nobody is here to be asked; give at least one of " + ", ".join(f"--{key}" for key in QUESTIONS)
        )
    if before is not None and not asks and not force:
        raise UsageError(f"{place} is there already; change it with --force")
    values = {} if before is None else _known(before)
    if asks:
        values |= _ask_all(values)
    else:
        values |= {key: part for each, text in given.items() for key, part in _field(each, text).items()}
    runner = _runner(values)
    write_runner(runner, place)
    screen().print(f"Wrote {place}", soft_wrap=True, markup=False)


def show(file: Path | None = None, /, *, json: Flag = False) -> None:
    """Show the runner's file.

    Parameters
    ----------
    file
        The file; by default the runner's own.
    json
        Print it as JSON.
    """
    from soleus.cli.terminal import screen, write_json
    from soleus.history import runner_file
    from soleus.recording import load_runner

    place = file if file is not None else runner_file()
    if not place.exists():
        raise UsageError(f"{place}: there is no runner's file yet; make it with soleus runner init")
    runner = load_runner(place)
    if json:
        write_json(runner)
        return
    screen().print(str(place), style="bold", soft_wrap=True, markup=False)
    for key, value in _known(runner).items():
        screen().print(f"  {key} = {value}", soft_wrap=True, markup=False)
    missing = [word for word, field in (("height", "height_m"), ("mass", "mass_kg")) if getattr(runner, field) is None]
    if missing:
        screen().print(f"Unknown: {', '.join(missing)}; models that need it do without or stay silent.")


def write_runner(runner: Runner, path: Path) -> None:
    """Write a runner's file, whole or not at all; what is not known is left out.

    Raises
    ------
    soleus.recording.RecordingError
        If it cannot be written.
    """
    from soleus.recording import RecordingError, load_runner
    from soleus.recording.files import make_folder, write_atomically

    lines = [f"{key} = {_toml(value)}" for key, value in _known(runner).items()]
    data = ("# Who runs. Metres, kilograms, years.\n" + "".join(f"{line}\n" for line in lines)).encode()

    def verify(temporary: Path) -> None:
        if load_runner(temporary) != runner:
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    make_folder(path.parent)
    write_atomically(path, lambda file: _write_all(file.write(data), len(data)), verify)


def _write_all(written: int, wanted: int) -> None:
    if written != wanted:
        raise OSError(28, "no space left")


def _toml(value: object) -> str:
    """Write a value; a JSON string without a raw DEL is a TOML one."""
    import msgspec

    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _known(runner: Runner) -> dict[str, Any]:
    import msgspec

    return {key: value for key, value in msgspec.structs.asdict(runner).items() if value not in (None, "")}


def _ask_all(values: dict[str, Any]) -> dict[str, Any]:
    """Ask everything; an empty answer leaves it as it is."""
    found: dict[str, Any] = {}
    shown = {"height": "height_m", "mass": "mass_kg", "age": "age_years", "drop": "shoe_drop_m"}
    for key, question in QUESTIONS.items():
        known = values.get(shown.get(key, key))
        default = "" if known is None else f" [{known}]"
        for _ in range(MAX_TRIES):
            try:
                answer = input(f"{question}{default}: ").strip()
                found |= _field(key, answer) if answer else {}
                _runner(values | found)
            except EOFError as error:
                raise UsageError("nobody answered; give the answers as options") from error
            except UsageError as error:
                found = {k: v for k, v in found.items() if k != shown.get(key, key)}
                sys.stdout.write(f"{error}\n")
                continue
            break
        else:
            raise UsageError(f"no usable answer to '{question}'")
    return found


def _field(key: str, text: str) -> dict[str, Any]:
    """Turn an answer into a field of the runner."""
    from soleus.cli.body_measures import parse_height, parse_mass
    from soleus.cli.screen_text import parse_millimetres

    match key:
        case "height":
            return {"height_m": round(parse_height(text), 4)}
        case "mass":
            return {"mass_kg": round(parse_mass(text), 3)}
        case "drop":
            return {"shoe_drop_m": parse_millimetres(text) / 1000.0}
        case "age":
            if not text.isdecimal():
                raise UsageError(f"age '{text}': not understood; write whole years")
            return {"age_years": int(text)}
        case _:
            if not text.isprintable():
                raise UsageError(f"{key} {text!r}: holds characters that cannot be written; use letters and digits")
            return {key: text.strip()}


def _runner(values: dict[str, Any]) -> Runner:
    import msgspec

    from soleus.model import Runner

    try:
        return msgspec.convert(values, Runner)
    except msgspec.ValidationError as error:
        reason, _, field = str(error).partition(" - at `$.")
        raise UsageError(f"'{field.rstrip('`')}': {reason}") from error
