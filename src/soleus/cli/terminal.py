"""What is shown: text for people, JSON for programs, progress only where somebody watches."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH: Final = 120
"""Columns of text that goes to a file or another program."""
T = TypeVar("T")


def screen() -> Console:
    """Open the standard output for people."""
    from rich.console import Console

    # Looked up at each call: tests and callers may have put another stream in its place.
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, emoji=False)


def table(*columns: str, title: str | None = None, numbers_from: int = 1) -> Table:
    """Make a table whose columns from ``numbers_from`` on hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for position, name in enumerate(columns):
        made.add_column(name, justify="right" if position >= numbers_from else "left", no_wrap=position == 0)
    return made


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say what is being done while it lasts, on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


@contextmanager
def telling() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done now, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _what: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def progress(items: Sequence[T], what: str) -> Iterator[T]:
    """Go through items with a progress bar, on a terminal only."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=what, console=Console(stderr=True), transient=True)


def write_json(value: Any) -> None:  # noqa: ANN401  (whatever msgspec can encode)
    """Write JSON to the standard output; what is not finite becomes null."""
    import msgspec

    plain = _finite(msgspec.to_builtins(value))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n")


def _finite(value: object) -> object:
    match value:
        case dict():
            return {key: _finite(part) for key, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case float() if not math.isfinite(value):
            return None
    return value


def clock(seconds: float) -> str:
    """Write a duration as people read it.

    Examples
    --------
    >>> clock(75.4), clock(4210)
    ('1:15', '1:10:10')
    """
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
