"""What a runner may type at the terminal during a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from soleus.live.news import Controls
from soleus.recording import RecordingError, parse_speed

HOW: Final = "Enter: start or new lap. A number 0-10: pain. A speed such as 12km/h: the belt. q: stop."


def obey(lines: Iterable[str], controls: Controls, running: Callable[[], bool], tell: Callable[[str], None]) -> None:
    """Do what is typed, line by line, until the lines end.

    Parameters
    ----------
    lines
        As typed.
    controls
        Of the run.
    running
        Whether the run has begun.
    tell
        Takes a sentence where something typed is not understood.

    Examples
    --------
    >>> class Shown:
    ...     def __getattr__(self, name):
    ...         return lambda *values: print(name, *values)
    >>> obey(["", "3", "3.5m/s", "fast", "q"], Shown(), lambda: True, print)
    lap
    pain 3.0
    set_belt 3.5
    'fast' is not understood. Enter: start or new lap. A number 0-10: pain. A speed such as 12km/h: the belt. q: stop.
    stop
    """
    for line in lines:
        word = line.strip().lower()
        if word in {"", "l", "lap"}:
            (controls.lap if running() else controls.start)()
        elif word in {"q", "quit", "stop"}:
            controls.stop()
        else:
            _number_or_speed(word, controls, tell)


def _number_or_speed(word: str, controls: Controls, tell: Callable[[str], None]) -> None:
    try:
        rating = float(word)
    except ValueError:
        try:
            controls.set_belt(parse_speed(word))
        except RecordingError:
            tell(f"'{word}' is not understood. {HOW}")
        return
    try:
        controls.pain(rating)
    except ValueError as error:
        tell(str(error))
