"""The page: self-contained, safe against what files hold, complete, and clear about what it cannot read."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

import soleus
from soleus.model import STEP_DTYPES, Belt, Flag, Foot, HeartRate, Runner, Steps, Warnings
from soleus.recording import Event, RecordingError
from soleus.recording.events_file import EVENTS_SCHEMA, write_events
from soleus.recording.side_tables import write_belt, write_heart_rate
from soleus.report import ReportError, read_run, write_report, write_run_report
from soleus.report.course import course_of
from soleus.report.session_page import session_page
from soleus.rules import HistorySummary, SignalBaseline

EVIL = "<script>alert('x')</script>\"onload=\"y&amp; \x00\u202e<!--</script>"
SECTIONS = (
    "verdict", "warnings", "course", "calf-load", "splits", "weeks", "distributions", "pain", "quality", "method",
    "provenance", "disclaimer",
)  # fmt: skip


class Parts(HTMLParser):
    """Elements of a page, its scripts, and the text a person reads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag in {"script", "style"}:
            self._in = ""

    def handle_data(self, data):
        if self._in == "script":
            self.scripts[-1] += data
        elif not self._in:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(run, history=None) -> Parts:
    return Parts(session_page(run, course_of(run.steps), history).decode())


@pytest.fixture(scope="module")
def page(analysed) -> Parts:
    return Parts(write_report(analysed["one_sided_fatigue"]).read_text())


def test_every_section_is_there(page):
    ids = [attributes["id"] for attributes in page.of("section")]
    assert ids == list(SECTIONS)
    links = {attributes["href"] for attributes in page.of("a")}
    assert {f"#{name}" for name in SECTIONS} <= links
    every = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(every) == len(set(every)), "anchors are unique"
    assert {link.removeprefix("#") for link in links} <= set(every), "every link leads somewhere"


def test_nothing_is_fetched(page):
    for _, attributes in page.elements:
        for name in ("src", "href", "action", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith("#")
    assert "@import" not in page.text
    assert not page.of("link")


def test_the_policy_names_the_scripts(page):
    policy = next(a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    run = [s for s, a in zip(page.scripts, page.of("script"), strict=True) if a.get("type") != "application/json"]
    assert len(run) == 2
    for script in run:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_every_plot_has_its_words_and_numbers(page):
    figures = json.loads(page.scripts[0])
    assert len(figures) >= 14
    plots = {a["id"]: a for a in page.of("div") if a.get("class") == "plot"}
    assert set(plots) == {f"plot-{figure['name']}" for figure in figures}
    for attributes in plots.values():
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"]) > 30
    captions = len(page.of("figcaption"))
    assert captions == len(figures)
    for figure in figures:
        for trace in figure["data"]:
            points = trace["x"] if isinstance(trace["x"], list) else base64.b64decode(trace["x"]["bdata"])
            assert len(points) <= 4 * 4000, figure["name"]


def test_a_plot_shows_the_numbers_of_its_title(page, fatigue):
    figure = next(f for f in json.loads(page.scripts[0]) if f["name"] == "run-contact-time")
    line = next(trace for trace in figure["data"] if trace["name"] == "left")
    x, y = (np.frombuffer(base64.b64decode(line[axis]["bdata"]), "<f4") for axis in "xy")
    steps = fatigue.steps
    for minute in (2.0, 10.0, 18.0):
        at = int(np.argmin(np.abs(x - minute)))
        within = np.abs(steps["initial_contact_s"] / 60 - x[at]) <= 2.5 / 60
        kept = within & (steps["foot"] == 0) & ((steps["flags"] & Flag.FIRST_OF_BOUT) == 0)
        assert y[at] == pytest.approx(1000 * np.median(steps["contact_time_s"][kept]), abs=0.01)


def test_split_table_numbers_stand_in_the_page(page, fatigue):
    steps = fatigue.steps
    left, right = (
        1000
        * np.median(
            steps["contact_time_s"][(steps["foot"] == foot) & (steps["initial_contact_s"] < 300) & steady(steps)]
        )
        for foot in (0, 1)
    )
    assert f"{left:.0f} | {right:.0f}" in page.text


def steady(steps):
    bad = Flag.WALKING | Flag.FIRST_OF_BOUT | Flag.ACCELERATING | Flag.TURNING | Flag.CUT
    return (steps["flags"] & bad) == 0


def test_provenance_and_disclaimer(page, fatigue):
    assert "no diagnosis" in page.text
    assert "simulated-left" in page.text
    assert "configuration and runner" in page.text
    for fact in fatigue.files:
        assert hashlib.sha256().name == "sha256"
        assert fact.sha256 in page.text
    assert {fact.name for fact in fatigue.files} == {"session.json", "steps.parquet", "warnings.parquet"}


def test_hostile_words_stay_words(fatigue, made, analysed):
    warnings = Warnings.from_rows(
        [
            (60.0, EVIL[:30], 1, EVIL, json.dumps({"explanation": EVIL}), 0, EVIL),
            (61.0, "x", 2, EVIL, "no json", -1, ""),
        ]
    )
    record = msgspec.structs.replace(
        fatigue.record,
        runner=Runner(name=EVIL, shoe=EVIL),
        notes=(EVIL,),
        source=EVIL,
        extra={EVIL: {EVIL: [EVIL]}},
        configuration={EVIL: EVIL},
        quality=fatigue.record.quality | {EVIL: 3},
        soleus_version=EVIL,
        pods=tuple(msgspec.structs.replace(p, pod_id=EVIL, maker=EVIL, firmware=EVIL) for p in fatigue.record.pods),
    )
    events = (
        Event(0, 10.0, "told", json.dumps({"sentence": EVIL})),
        Event(1, 5.0, "lap", EVIL),
    )
    run = replace(fatigue, name=EVIL, warnings=warnings, record=record, events=events)
    course = course_of(run.steps)
    text = session_page(run, course, None).decode()
    evil = Parts(text)
    plain = page_of(fatigue)
    assert len(evil.scripts) == len(plain.scripts) == 3
    assert {tag for tag, _ in evil.elements} == {tag for tag, _ in plain.elements}
    assert "alert('x')" not in "".join(evil.scripts)
    assert "<script>alert" not in text
    assert html.escape("<script>alert('x')") in text
    assert "\x00" not in text

    from soleus.report.comparison_page import comparison_page

    both = Parts(comparison_page((run, run), (course, course)).decode())
    assert len(both.scripts) == 3
    assert "alert('x')" not in "".join(both.scripts)


def test_belt_heart_rate_and_events_are_read(analysed, made, tmp_path):
    import pyarrow as pa

    folder = made.copy(analysed["one_sided_fatigue"], tmp_path / "live")
    plain = Parts(write_report(folder).read_text())
    assert "Heart rate median" not in plain.text
    write_belt(Belt(np.array([0.0]), np.array([3.1]), np.array([0.0])), folder)
    write_heart_rate(HeartRate(np.arange(0.0, 1200.0), np.linspace(120, 160, 1200)), folder)
    rows = {"piece": [1, 2], "t": [300.0, 650.0], "kind": ["lap", "pain"], "json": ["null", '{"rating": 2}']}
    write_events(pa.table(rows, schema=EVENTS_SCHEMA), folder)
    full = Parts(write_report(folder).read_text())
    assert "Heart rate median 140" in full.text
    assert "Laps as marked" in full.text
    assert "Calf pain as told" in full.text
    assert len(read_run(folder).files) == 6


def test_what_a_live_run_counted_is_told(fatigue, with_events):
    counted = {
        "left.loss.air": 41, "right.loss.air": 0, "left.loss.strange": 2, "left.links_lost": 1, "right.links_lost": 0,
        "left.late": 7, "left.clock.rate_ppm": 12.34, "right.clock.rate_ppm": -3.2, "left.clock.bias_bound_s": 0.00123,
        "latency.median_s": 0.31, "latency.p95_s": 0.472, "latency.p99_s": 0.48, "shoe.size": 42,
    }  # fmt: skip
    record = msgspec.structs.replace(fatigue.record, quality=fatigue.record.quality | counted)
    run = with_events(replace(fatigue, record=record), Event(0, 75.0, "told", '{"sentence": "Left pod is back."}'))
    page = page_of(run)
    assert "lost on the way; this pod cannot send them again 41 0" in page.text
    assert "strange 2 –" in page.text
    assert "links lost 1 0" in page.text
    assert "pod's clock against the session's [ppm] 12.3 -3.2" in page.text
    assert "bound of its bias [ms] 1.23 –" in page.text
    assert "from toe-off to the step's row 310 472 480" in page.text
    assert "shoe, size 42" in page.text
    assert "1:15: Left pod is back." in page.text
    assert "not told" not in page.text
    assert "Clock error and latency: not told" in page_of(fatigue).text


def test_history_is_shown(fatigue):
    usual = [
        SignalBaseline(
            signal="contact_time", foot=foot, level=0.240, speed_mps=3.1, speed_low_mps=2.5, speed_high_mps=3.5,
            spread=0.003, n_runs=7, n_minutes=100,
        )
        for foot in ("left", "right")
    ]  # fmt: skip
    history = HistorySummary(
        sessions_30d=7, span_days=25.0, longest_impulse_bws=1800.0, longest_distance_m=4000.0, highest_dose=2e6,
        baselines=tuple(usual), contact_asymmetry=0.0, contact_asymmetry_spread=0.005,
    )  # fmt: skip
    page = page_of(fatigue, history)
    assert "last 28 days (7 runs)" in page.text
    impulse = np.nansum(fatigue.steps["achilles_impulse_bws"])
    assert f"{100 * impulse / 1800:.0f} % of the largest in 30 days" in page.text
    assert "100 % of the 30-day largest: 1\u202f800 bw·s" in page.scripts[0].encode().decode("unicode_escape") or (
        "30-day largest" in page.scripts[0]
    )
    weeks = next(f for f in json.loads(page.scripts[0]) if f["name"] == "weeks")
    left = next(t for t in weeks["data"] if t["name"] == "left")
    median = np.median(
        [
            np.median(fatigue.steps["contact_time_s"][tens & (fatigue.steps["foot"] == 0) & steady(fatigue.steps)])
            for at in np.arange(0, 1200, 10)
            if (tens := (fatigue.steps["initial_contact_s"] // 10 == at // 10)).any()
        ]
    )
    assert left["x"][0] == pytest.approx((median - 0.240) / 0.003, rel=1e-6)


@pytest.mark.parametrize("what", ["empty", "walking", "one pod", "no numbers", "two steps", "no warnings"])
def test_meagre_runs_still_make_a_page(what, fatigue, intervals, made):
    steps, warnings = fatigue.steps, None
    if what == "empty":
        steps = Steps.empty()
    elif what == "walking":
        steps = intervals.steps.select((intervals.steps["flags"] & Flag.WALKING) != 0)
    elif what == "one pod":
        steps = steps.select(steps["foot"] == Foot.RIGHT)
    elif what == "no numbers":
        known = {"initial_contact_s", "toe_off_s", "quality"}
        nothing = np.full(len(steps), np.nan)
        lost = {name: nothing for name, kind in STEP_DTYPES.items() if kind == np.float64 and name not in known}
        words = {name: np.full(len(steps), -1, np.int8) for name in ("foot_strike", "speed_source")}
        steps = made.changed(steps, **lost, **words)
    elif what == "two steps":
        steps = steps.select(slice(0, 2))
    page = page_of(made.run(steps, warnings))
    assert "no diagnosis" in page.text
    assert "nan" not in page.text.lower().split()
    assert ("No steps were found" in page.text) == (what == "empty")


def test_clear_errors(analysed, made, tmp_path):
    with pytest.raises(ReportError, match=r"has no steps\.parquet; run soleus analyze on it first"):
        write_report(tmp_path)
    with pytest.raises(ReportError, match="no such folder"):
        write_report(tmp_path / "nowhere")
    folder = made.copy(analysed["steady_rearfoot"], tmp_path / "broken")
    (folder / "session.json").write_text('{"schema": "soleus.session", "schema_version": "1.0", "pods": 3}')
    with pytest.raises(RecordingError, match=r"session\.json.*pods"):
        write_report(folder)
    (folder / "session.json").unlink()
    with pytest.raises(RecordingError, match=r"session\.json"):
        write_report(folder)
    again = made.copy(analysed["steady_rearfoot"], tmp_path / "again")
    (again / "warnings.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(RecordingError, match=r"warnings\.parquet.*not a readable"):
        write_report(again)


def test_damaged_times(fatigue, made, tmp_path):
    late = fatigue.steps["initial_contact_s"].copy()
    late[5] = np.nan
    with pytest.raises(ReportError, match="initial_contact_s"):
        write_run_report(made.run(made.changed(fatigue.steps, initial_contact_s=late)), tmp_path / "r.html")
    falling = fatigue.steps["initial_contact_s"][::-1].copy()
    with pytest.raises(ReportError, match="does not rise"):
        write_run_report(made.run(made.changed(fatigue.steps, initial_contact_s=falling)), tmp_path / "r.html")
    timeless = Warnings.from_rows([(float("nan"), "overstride", 1, "Shorter steps.", "{}", -1, "")])
    page = page_of(made.run(fatigue.steps, timeless))
    assert "Shorter steps." in page.text


def test_whole_or_not_at_all(analysed, made, tmp_path):
    folder = made.copy(analysed["steady_rearfoot"], tmp_path / "s")
    first = write_report(folder)
    before = first.read_bytes()
    assert write_report(folder).read_bytes() == before, "the same session gives the same page"
    (folder / "steps.parquet").write_bytes(b"broken")
    with pytest.raises(RecordingError):
        write_report(folder)
    assert first.read_bytes() == before
    assert not list(folder.glob("*.tmp"))


def test_from_python(tmp_path, recordings):
    result = soleus.analyze(recordings.run(duration_s=20.0).recording)
    path = result.report(tmp_path / "run.html")
    assert path == tmp_path / "run.html"
    page = Parts(path.read_text())
    assert "Too little running for a verdict" in page.text
    assert "what became of the samples" in page.text


def test_a_day_and_night_stays_small(fatigue, made, tmp_path):
    run = made.run(made.tiled(fatigue.steps, 72))
    path = write_run_report(run, tmp_path / "day.html")
    assert path.stat().st_size < 8e6


def test_an_hour_is_small(fatigue, made, tmp_path):
    path = write_run_report(made.run(made.tiled(fatigue.steps, 3)), tmp_path / "hour.html")
    assert path.stat().st_size < 8e6


@pytest.mark.slow
def test_an_hour_is_quick(fatigue, made, tmp_path):
    """Bar: 4 s with all imports, in a new process; the best of three, as the machine may be busy."""
    import subprocess
    import sys
    import time

    folder = made.folder(tmp_path / "hour", made.run(made.tiled(fatigue.steps, 3)))
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        code = f"from soleus.report import write_report; write_report({str(folder)!r})"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
        spent.append(time.perf_counter() - begun)
    assert min(spent) <= 4.0
