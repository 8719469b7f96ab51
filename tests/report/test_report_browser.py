"""The reports in a real browser: drawn without an error, a request or an overflow, readable and printable."""

from __future__ import annotations

import re

import pytest

from soleus.report import write_comparison, write_report

NAMES = ("steady_rearfoot", "ladder_forefoot", "walk_run_intervals")
READY_MS = 60_000
PHONE = {"width": 390, "height": 800}
LAPTOP = {"width": 1400, "height": 800}


class Opened:
    """A page, and everything it complained of or asked for."""

    def __init__(self, browser, path, **context):
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(path.as_uri(), timeout=READY_MS)
        self.page.wait_for_selector("html[data-ready=yes]", timeout=READY_MS)

    def _asked(self, request):
        if not re.match(r"(file|data|blob):", request.url):
            self.trouble.append(f"asked for {request.url}")

    @property
    def drawn(self) -> list[int]:
        """Drawings of each plot's place."""
        count = "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('.main-svg').length)"
        return self.page.evaluate(count)

    @property
    def overflow_px(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    @property
    def serious(self) -> list[tuple[str, str]]:
        """Serious faults that axe finds."""
        from axe_playwright_python.sync_playwright import Axe

        # A plot is one picture with its words beside it; looking through its thousand paths takes long.
        found = Axe().run(self.page, context={"exclude": [[".main-svg"]]}).response["violations"]
        bad = [each for each in found if each["impact"] in {"serious", "critical"}]
        return [(each["id"], each["nodes"][0]["html"][:120]) for each in bad]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.fixture(scope="module")
def fatigue_page(browser, analysed):
    """The fatigue sample's report on a laptop in the dark."""
    with Opened(browser, write_report(analysed["one_sided_fatigue"]), viewport=LAPTOP, color_scheme="dark") as opened:
        yield opened


@pytest.fixture(scope="module")
def compared(browser, analysed, tmp_path_factory):
    """Two sessions compared, on a phone."""
    path = tmp_path_factory.mktemp("compared") / "c.html"
    write_comparison(analysed["steady_rearfoot"], analysed["one_sided_fatigue"], path)
    with Opened(browser, path, viewport=PHONE) as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_opens_on_a_phone(browser, analysed, name):
    with Opened(browser, write_report(analysed[name]), viewport=PHONE) as opened:
        assert len(opened.drawn) >= 12
        assert all(opened.drawn)
        assert opened.overflow_px <= 0
        assert opened.trouble == []


def test_the_fatigue_sample_opens(fatigue_page):
    assert len(fatigue_page.drawn) >= 14
    assert all(fatigue_page.drawn)
    assert fatigue_page.overflow_px <= 0
    assert fatigue_page.trouble == []


def test_the_comparison_opens(compared):
    assert len(compared.drawn) == 9
    assert all(compared.drawn)
    assert compared.overflow_px <= 0
    assert compared.trouble == []


def test_no_serious_accessibility_fault(fatigue_page, compared):
    assert fatigue_page.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert fatigue_page.serious == []
    assert compared.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert compared.serious == []


def test_figures_over_time_zoom_together(fatigue_page):
    page = fatigue_page.page
    page.evaluate("Plotly.relayout('plot-run-contact-time', {'xaxis.range': [8, 12]})")
    page.wait_for_function("document.getElementById('plot-load').layout.xaxis.range[0] === 8", timeout=READY_MS)
    page.evaluate("Plotly.relayout('plot-load', {'xaxis.range': [0, 20]})")
    page.wait_for_function(
        "document.getElementById('plot-run-contact-time').layout.xaxis.range[0] === 0", timeout=READY_MS
    )
    assert fatigue_page.trouble == []


def test_it_prints_in_light_colours_and_comes_back(fatigue_page):
    page = fatigue_page.page
    pdf = page.pdf(prefer_css_page_size=True)
    assert 6 <= len(re.findall(rb"/Type\s*/Page[^s]", pdf)) <= 14
    wide = "document.querySelector('#plot-load .main-svg').clientWidth > 900"
    page.wait_for_function(wide, timeout=READY_MS)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert fatigue_page.trouble == []


def test_the_colours_can_be_chosen(fatigue_page):
    page = fatigue_page.page
    colour = "document.querySelector('#plot-run-contact-time .js-line').style.stroke"
    dark = page.evaluate(colour)
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate(colour) != dark
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark", "the button works from the keyboard"
    assert page.evaluate(colour) == dark
