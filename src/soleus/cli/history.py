"""``soleus history``: the runner's log, shown, added to and rebuilt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

HistoryFile = Annotated[Path | None, Parameter(name="--history")]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def history(
    *,
    history: HistoryFile = None,
    runner: str = "",
    date: str | None = None,
    weeks: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=260))] = 12,
    png: Path | None = None,
    json: Flag = False,
) -> None:
    """Show what was run in the last weeks, and what the next run may be compared with.

    Parameters
    ----------
    history
        The log; by default the runner's own.
    runner
        Whose sessions; by default those of the log's owner.
    date
        Look at the log as it was then, such as 2025-05-03.
    weeks
        How many weeks are drawn.
    png
        Draw weekly distance and modelled load into this picture.
    json
        Print everything as JSON.
    """
    from soleus.cli.history_text import history_view, show_history, view_as_json
    from soleus.cli.terminal import screen, write_json
    from soleus.history import HistoryStore

    with HistoryStore(_file(history)) as store:
        view = history_view(store, runner, _moment(date), weeks)
    if png is not None:
        from soleus.cli.history_plot import draw_history

        draw_history(view, png)
    if json:
        write_json(view_as_json(view))
    else:
        show_history(screen(), view)
        if png is not None:
            screen().print(f"Wrote {png}", soft_wrap=True)


def add(
    file: Path | None = None,
    /,
    *,
    distance: str | None = None,
    time: str | None = None,
    date: str | None = None,
    uphill: str | None = None,
    surface: Literal["treadmill", "track", "road", "trail", "grass", "sand", "mixed"] | None = None,
    shoe: str = "",
    gym: Flag = False,
    history: HistoryFile = None,
    runner: str = "",
    json: Flag = False,
) -> None:
    """Add a run done without pods, so that the load is complete.

    Parameters
    ----------
    file
        FIT file of a watch; or tell the run by the options below.
    distance
        Distance with its unit: 10km, 6.2mi.
    time
        Duration: 50min, 1h20m or 1:20:05.
    date
        When it began: 2025-05-03 or 2025-05-03T18:30, local time; by default now.
    uphill
        Metres climbed, with their unit: 120m.
    surface
        What was run on.
    shoe
        Name of the shoe.
    gym
        Not a run but calf work in the gym.
    history
        The log, made if need be; by default the runner's own.
    runner
        Whose run; by default the log owner's.
    json
        Print what was added as JSON.
    """
    from soleus.cli.amounts import kilometres, parse_distance, parse_duration
    from soleus.cli.history_text import dynamics_sentences
    from soleus.cli.terminal import clock, screen, write_json
    from soleus.history import Gym, HistoryStore, hand_entry, make_note, read_fit

    when, only_day = _date(date)
    _refuse_impossible(when, date)
    place = _file(history)
    if gym:
        if file is not None or distance is not None or time is not None:
            raise UsageError("--gym stands alone, with --date if it was not now")
        with HistoryStore(place, create=True) as store:
            outcome = store.note(make_note(Gym(), when, runner))
        lines = [f"{outcome}: calf work in the gym"]
        added: list[dict[str, object]] = [{"outcome": outcome, "kind": "gym"}]
    else:
        if file is not None:
            if distance is not None or time is not None or date is not None:
                raise UsageError("a FIT file tells distance, time and date itself; leave the options out")
            entries = read_fit(file, runner=runner)
        elif distance is None or time is None:
            raise UsageError("give a FIT file, or --distance and --time (and --date), or --gym")
        else:
            climbed = None if uphill is None else parse_distance(uphill)
            entries = [
                hand_entry(
                    when, parse_duration(time), parse_distance(distance), precision_day=only_day, runner=runner,
                    surface=surface, shoe=shoe, uphill_m=climbed,
                )
            ]  # fmt: skip
        with HistoryStore(place, create=True) as store:
            outcomes = [store.put(entry) for entry in entries]
        lines = [
            f"{outcome}: {kilometres(entry.distance_m)} in {clock(entry.time_s)} on {_day(entry.start_s)}"
            for outcome, entry in zip(outcomes, entries, strict=True)
        ]
        lines += [sentence for entry in entries for sentence in dynamics_sentences(entry)]
        added = [
            {"outcome": outcome, "kind": entry.kind, "start_s": entry.start_s, "distance_m": entry.distance_m,
             "dynamics": entry.dynamics}
            for outcome, entry in zip(outcomes, entries, strict=True)
        ]  # fmt: skip
    if json:
        write_json({"history": str(place), "added": added})
        return
    for line in lines:
        screen().print(f"{line[0].upper()}{line[1:]}.", soft_wrap=True, markup=False)


def rebuild(
    folders: list[Path],
    /,
    *,
    date: str | None = None,
    history: HistoryFile = None,
    runner: str | None = None,
    json: Flag = False,
) -> int:
    """Read analysed session folders, themselves or below, into the log.

    Sessions that are in it already are read anew and counted once; runs told by hand and tests stay. Leaves with 1
    if a session could not be used.

    Parameters
    ----------
    folders
        Session folders, or folders with such below them.
    date
        Start of the one session given, if it does not say when it was.
    history
        The log, made if need be; by default the runner's own.
    runner
        Whose sessions they are, whatever they say.
    json
        Print what became of each as JSON.
    """
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.terminal import progress, screen, write_json
    from soleus.history import HistoryError, HistoryStore, add_session, find_sessions, owner_of_log
    from soleus.recording import RecordingError

    found = find_sessions(folders)
    if date is not None and len(found) != 1:
        raise UsageError(f"--date is for one session, these folders hold {len(found)}; name it alone")
    place, when, owner = _file(history), None if date is None else _date(date)[0], owner_of_log()
    HistoryStore(place, create=True).close()
    outcomes: dict[str, int] = {}
    failed: list[str] = []
    for folder in progress(found, "Reading sessions"):
        try:
            outcome = add_session(place, folder, owner, when, runner)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        except (HistoryError, RecordingError) as error:
            failed.append(str(error))
    if json:
        write_json({"history": str(place), "sessions": len(found), "outcomes": outcomes, "left_out": failed})
    else:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "none used"
        screen().print(
            f"{len(found)} session{'' if len(found) == 1 else 's'}: {told}. {place}", soft_wrap=True, markup=False
        )
        for sentence in failed:
            screen().print(f"Left out {sentence}", soft_wrap=True, markup=False)
    return EXIT_SHORT if failed else EXIT_DONE


def _file(given: Path | None) -> Path:
    from soleus.history import history_file

    return history_file() if given is None else given


def _date(text: str | None) -> tuple[datetime, bool]:
    from datetime import UTC, datetime

    from soleus.cli.amounts import parse_date

    return (datetime.now(UTC).replace(microsecond=0), False) if text is None else parse_date(text)


def _refuse_impossible(when: datetime, text: str | None) -> None:
    """Tell of a slip of the year; a bare day is taken as noon, so that today may lie ahead by half a day."""
    from datetime import UTC, datetime, timedelta

    if when > datetime.now(UTC) + timedelta(days=1):
        raise UsageError(f"date '{text}': lies in the future; give the day it was done")
    if when.timestamp() < 0.0:
        raise UsageError(f"date '{text}': lies before 1970; give the day it was done")


def _moment(text: str | None) -> datetime:
    """Give a moment to look back from: a bare day counts whole."""
    from datetime import timedelta

    when, only_day = _date(text)
    return when + timedelta(hours=12) if only_day else when


def _day(start_s: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(start_s, UTC).astimezone().strftime("%Y-%m-%d")
