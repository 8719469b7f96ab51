"""Questions to somebody who types."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, Literal, TypeVar

from soleus.cli.errors import UsageError

MAX_PAIN: Final = 10.0
MAX_DAYS: Final = 20000.0
MAX_TRIES: Final = 3
"""How often a question is asked again before giving up."""
T = TypeVar("T")
BodySide = Literal["left", "right", "both"]


def ask(question: str, read: Callable[[str], T | None], wanted: str) -> T:
    """Ask until the answer can be read.

    Raises
    ------
    UsageError
        If nobody answers, or not so that it can be read.
    """
    for _ in range(MAX_TRIES):
        try:
            answer = read(input(f"{question} ").strip().lower())
        except EOFError as error:
            raise UsageError("nobody answered; give the answers as options") from error
        if answer is not None:
            return answer
        sys.stdout.write(f"Please answer with {wanted}.\n")
    raise UsageError(f"not understood: '{question}' takes {wanted}")


def yes_or_no(text: str) -> bool | None:
    """Read a yes or no.

    Examples
    --------
    >>> yes_or_no("yes"), yes_or_no("n"), yes_or_no("perhaps")
    (True, False, None)
    """
    return {"y": True, "yes": True, "n": False, "no": False}.get(text)


def rating(text: str) -> float | None:
    """Read a rating from 0 to 10.

    Examples
    --------
    >>> rating("3"), rating("11")
    (3.0, None)
    """
    value = days(text)
    return value if value is not None and value <= MAX_PAIN else None


def days(text: str) -> float | None:
    """Read a number of days.

    Examples
    --------
    >>> days("1,5"), days("-1"), days("nan")
    (1.5, None, None)
    """
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if 0.0 <= value <= MAX_DAYS else None


def body_side(text: str) -> BodySide | None:
    """Read a side.

    Examples
    --------
    >>> body_side("both"), body_side("top")
    ('both', None)
    """
    sides: dict[str, BodySide] = {"left": "left", "right": "right", "both": "both"}
    return sides.get(text)
