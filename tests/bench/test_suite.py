"""All benchmarks in one go: what is kept comes back, what differs is told, noise is no change."""

from __future__ import annotations

import json

import msgspec
import pytest

from soleus.bench import suite
from soleus.bench.errors import BenchError
from soleus.bench.machine import this_machine
from soleus.bench.profile import profile
from soleus.bench.suite import Effort, Entry, SuiteResult, compare, read_result, run_suite, write_result
from soleus.cli import main

LEAST = Effort(repeats=2, session_h=1 / 12, live_s=12.0, crowd=False, rule_runners=1, rule_hours=0.05)


def result_of(*entries: Entry, quick: bool = False) -> SuiteResult:
    return SuiteResult(suite.FORMAT, suite.VERSION, "", this_machine(), "", quick, entries)


def timed(*runs: float, better: str = "<=") -> Entry:
    best = max(runs) if better == ">=" else min(runs)
    return Entry("speed", "batch", best, "s", None, better, runs)


def counted(value: float) -> Entry:
    return Entry("accuracy", "false contacts", value, "%", None, "<=")


@pytest.fixture(scope="module")
def measured(session):
    return run_suite(session.parent, quick=True, effort=LEAST, tell=lambda _what: None)


def test_a_run_holds_all_three_suites_and_the_machine(measured):
    assert {entry.suite for entry in measured.entries} == {"speed", "accuracy", "rules"}
    values = {entry.what: entry for entry in measured.entries}
    assert values["contacts found"].value > 95
    assert values["initial contact: SD"].unit == "ms"
    assert len(values["import soleus"].runs) == LEAST.repeats
    assert values["import soleus"].value == min(values["import soleus"].runs)
    assert all(entry.holds is None for entry in measured.entries), "a quick run judges nothing"
    assert measured.machine.cores >= 1
    assert {"numpy", "scipy", "pyarrow"} <= set(measured.machine.libraries)
    assert len({(entry.suite, entry.what) for entry in measured.entries}) == len(measured.entries)


def test_a_kept_result_comes_back(measured, tmp_path):
    write_result(measured, tmp_path / "a.json")
    assert read_result(tmp_path / "a.json") == measured
    changes = compare(measured, measured)
    assert len(changes) == len(measured.entries)
    assert not any(change.beyond_noise for change in changes)


@pytest.mark.parametrize(
    ("old", "new", "far", "improved"),
    [
        (timed(1.0, 1.1), timed(0.95, 1.05), False, False),
        (timed(1.0, 1.02), timed(0.8, 0.82), True, True),
        (timed(1.0, 1.02), timed(1.3, 1.33), True, False),
        (timed(1.0, 2.0), timed(1.3, 1.33), False, False),
        (timed(5.0, 5.1, better=">="), timed(9.0, 9.1, better=">="), True, True),
        (counted(1.5), counted(1.501), False, False),
        (counted(1.5), counted(1.6), True, False),
        (counted(1.5), counted(1.4), True, True),
        (counted(0.0), counted(0.1), True, False),
    ],
)
def test_only_what_exceeds_the_noise_is_a_change(old, new, far, improved):
    (change,) = compare(result_of(old), result_of(new))
    assert (change.beyond_noise, change.improved) == (far, improved)


def test_a_quick_run_is_not_compared_with_a_full_one():
    with pytest.raises(BenchError, match="a quick run and a full one"):
        compare(result_of(timed(1.0)), result_of(timed(1.0), quick=True))


@pytest.mark.parametrize("text", [b"", b"[]", b'{"format": "soleus.bench"}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    file = tmp_path / "old.json"
    file.write_bytes(text)
    with pytest.raises(BenchError, match=r"old.json: not a result of 'soleus bench'"):
        read_result(file)
    with pytest.raises(BenchError, match="no such file"):
        read_result(tmp_path / "none.json")
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(result_of(), version=99)))
    with pytest.raises(BenchError, match="another version"):
        read_result(file)


def test_a_profile_names_the_functions(session, tmp_path):
    spots = profile([session], tmp_path / "profile.txt")
    assert spots[0].own_s >= spots[1].own_s > 0
    assert any(spot.where.startswith("soleus/gait/") for spot in spots[:30])
    assert "cumulative time" in (tmp_path / "profile.txt").read_text()


def test_the_command_keeps_compares_and_profiles(measured, session, tmp_path, monkeypatch, capsys):
    """The measuring itself is tested above."""
    monkeypatch.setattr(suite, "run_suite", lambda *_args, **_words: measured)
    kept = tmp_path / "new.json"
    slower = [
        msgspec.structs.replace(e, value=3 * e.value, runs=tuple(3 * r for r in e.runs)) if e.unit == "s" else e
        for e in measured.entries
    ]
    write_result(msgspec.structs.replace(measured, entries=tuple(slower)), tmp_path / "old.json")
    words = ["bench", "--data", str(session.parent), "--quick", "--out", str(kept)]
    words += ["--compare", str(tmp_path / "old.json")]
    assert main([*words, "--profile", str(tmp_path / "p.txt")]) == 0
    shown = capsys.readouterr().out
    assert "better" in shown
    assert "where the time goes" in shown
    assert read_result(kept) == measured
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert any(change["beyond_noise"] for change in told["changes"])
    assert told["result"]["machine"]["cpu"]


def test_a_missed_bar_leaves_with_1(measured, session, monkeypatch, capsys):
    entry = Entry("speed", "batch", 2.0, "s", 1.0, "<=")
    monkeypatch.setattr(suite, "run_suite", lambda *_a, **_w: msgspec.structs.replace(measured, entries=(entry,)))
    assert main(["bench", "--data", str(session.parent)]) == 1
    assert "SHORT" in capsys.readouterr().out


def test_without_data_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["bench"]) == 2
    assert "say with --data" in capsys.readouterr().err
