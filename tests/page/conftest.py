"""A browser, and pages that show a sample session as if it were being run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import soleus
from soleus.live.page import Page
from soleus.model import SEVERITIES
from soleus.rules import HistorySummary

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "sample_data"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 20_000


def _load(name: str):
    """Load a file beside this one; tests are not a package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def player_class():
    return _load("playing").Player


@pytest.fixture(scope="session")
def cue_s() -> float:
    """Session time at which the first caution of the fatigue sample is given."""
    rows = soleus.analyze(soleus.read(SAMPLES / "one_sided_fatigue")).warning_rows
    return float(rows["time_s"][rows["severity"] == SEVERITIES.index("caution")][0])


@pytest.fixture(scope="module")
def browser():
    """The browser; without one these tests fail rather than pass unseen.

    Of a module, not of the session: while it is open Playwright's own event loop runs in this thread, and no other test
    may open one.
    """
    from playwright.sync_api import sync_playwright

    # Before Playwright runs: its synchronous interface cannot be opened twice.
    executable = _load("install_browser").find_browser()
    if executable is None:
        pytest.fail(
            "there is no chromium, and the live page cannot be tested without: run python tests/page/install_browser.py"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


class Displays:
    """Opens pages in the browser and notes all that they ask for and complain of."""

    def __init__(self, browser, stack: ExitStack) -> None:
        self._browser, self._stack = browser, stack
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def open(self, address: str, size=(1180, 820), theme="dark", **context):
        made = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, reduced_motion="reduce", **context
        )
        self._stack.callback(made.close)
        made.on("request", lambda request: self.requests.append(request.url))
        display = made.new_page()
        display.set_default_timeout(WAIT_MS)
        display.on("console", self._complain)
        display.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        display.goto(address)
        return display

    def _complain(self, message) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def elsewhere(self) -> list[str]:
        """Requests to other machines than this one."""
        return [url for url in self.requests if urlsplit(url).hostname not in {"127.0.0.1", "localhost"}]


@pytest.fixture
def displays(browser):
    """Displays of one test; at its end nothing was complained of and nothing was asked from elsewhere."""
    with ExitStack() as stack:
        opened = Displays(browser, stack)
        yield opened
    assert opened.complaints == []
    assert opened.elsewhere() == []


class Served:
    """A page and the player that feeds it."""

    def __init__(self, page: Page, player) -> None:
        self.page, self.player = page, player

    @property
    def address(self) -> str:
        return self.page.address


def _serve(stack: ExitStack, player_class, start_s: float, speed: float, session: str, **page) -> Served:
    player = player_class(session, start_s, speed)
    made = stack.enter_context(Page(player, port=0, title="Sample run", **page))
    player.sinks.append(made)
    stack.callback(player.end)
    player.begin()
    return Served(made, player)


@pytest.fixture
def serving(player_class):
    """Make a page that shows a sample session from a moment on."""
    with ExitStack() as stack:
        yield lambda start_s=60.0, speed=1.0, session="one_sided_fatigue", **page: _serve(
            stack, player_class, start_s, speed, session, **page
        )


@pytest.fixture(scope="module")
def running(player_class, cue_s) -> Iterator[Served]:
    """A run when the left calf tires and a cue is on; one for all tests of a file. The history is known."""
    history = HistorySummary(highest_dose=3.1e6, sessions_30d=9, span_days=28)
    with ExitStack() as stack:
        served = _serve(stack, player_class, cue_s + 5.0, 1.0, "one_sided_fatigue", history=history)
        served.player.lap()
        yield served
