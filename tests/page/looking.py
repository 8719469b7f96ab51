"""What a person would see on a page, measured in the browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WAIT_S = 20.0
POLL_S = 0.05
FUNCTIONS = (Path(__file__).parent / "looking.js").read_text(encoding="utf-8").rstrip().rstrip(";")


def look(display, name: str, argument: Any = None) -> Any:
    """Call one of the functions of looking.js on a page."""
    code = FUNCTIONS.partition("\n")[2]
    return display.evaluate(f"argument => {code}.{name}(argument)", argument)


def until(ready: Callable[[], Any], seconds: float = WAIT_S) -> Any:
    """Wait for something, and give it. The page's policy forbids Playwright's own waiting, which evaluates text."""
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(POLL_S)
    return found


def wait_for_numbers(display) -> None:
    """Wait until all three big numbers are known."""
    until(lambda: all(any(c.isdigit() for c in text) for text in display.locator(".card .value").all_inner_texts()))
