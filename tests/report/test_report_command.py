"""`soleus report`: what it writes, where, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from soleus.cli import main
from soleus.recording import read_steps, write_steps


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLEUS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def said(capsys):
    out, err = capsys.readouterr()
    return out, err


def test_one_report_each(home, analysed, made, tmp_path, capsys):
    folders = [made.copy(analysed[name], tmp_path / name) for name in ("steady_rearfoot", "ladder_forefoot")]
    assert main(["report", *map(str, folders), "--json"]) == 0
    told = json.loads(said(capsys)[0])
    assert [each["file"] for each in told["files"]] == [str(folder / "report.html") for folder in folders]
    assert all(
        each["bytes"] == (folder / "report.html").stat().st_size
        for each, folder in zip(told["files"], folders, strict=True)
    )
    assert any("No history yet" in note for note in told["notes"])


def test_out_and_history(home, analysed, made, tmp_path, capsys):
    """The log of the default place is read as it was before the run; a run is not compared with itself."""
    for day in range(1, 7):
        folder = made.copy(
            analysed["one_sided_fatigue"], tmp_path / f"day{day}", start_utc=f"2025-02-{3 * day:02d}T08:00:00Z"
        )
        assert main(["history", "rebuild", str(folder)]) == 0
    out = tmp_path / "pages" / "last.html"
    assert main(["report", str(tmp_path / "day6"), "--out", str(out)]) == 0
    page = out.read_text()
    assert "last 28 days (5 runs)" in page
    assert "knows 5 sessions over 15 days before this run" in page
    assert "100 % of the largest in 30 days" in page
    assert main(["report", str(tmp_path / "day6"), "--out", str(out), "--no-history"]) == 0
    assert "No history was given" in out.read_text()
    assert "No history yet" not in said(capsys)[0]


def test_compare(home, analysed, tmp_path, capsys):
    out = tmp_path / "c.html"
    pair = [str(analysed["steady_rearfoot"]), str(analysed["one_sided_fatigue"])]
    assert main(["report", "--compare", *pair, "--out", str(out)]) == 0
    assert "Two sessions compared" in out.read_text()
    assert str(out) in said(capsys)[0].replace("\n", "")


def test_open_shows_it(home, analysed, made, tmp_path, monkeypatch):
    import webbrowser

    shown = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    folder = made.copy(analysed["steady_rearfoot"], tmp_path / "s")
    assert main(["report", str(folder), "--open"]) == 0
    assert shown == [(folder / "report.html").as_uri()]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give one or more session folders"),
        (["nowhere"], "no such folder"),
        (["a", "b", "--out", "x.html"], "--out names one file"),
        (["a", "--compare", "b", "c"], "not both"),
        (["--compare", "b"], "--compare"),
        (["a", "--history", "nowhere.sqlite"], "no such"),
    ],
)
def test_wrong_words_are_one_sentence(home, words, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 2
    err = said(capsys)[1]
    assert reason in err
    assert err.count("\n") == 1


def test_a_session_that_was_not_analysed(home, tmp_path, capsys):
    (tmp_path / "session.json").write_text('{"schema": "soleus.session", "schema_version": "1.0", "pods": []}')
    assert main(["report", str(tmp_path)]) == 2
    assert "run soleus analyze on it first" in said(capsys)[1]


def test_missing_warnings_are_not_told_as_no_warnings(home, analysed, made, tmp_path, capsys):
    folder = made.copy(analysed["one_sided_fatigue"], tmp_path / "s")
    (folder / "warnings.parquet").unlink()
    (folder / "report.html").unlink(missing_ok=True)
    assert main(["report", str(folder)]) == 2
    assert "warnings.parquet, so what the rules said is not known" in said(capsys)[1]
    assert not (folder / "report.html").exists()


def test_infinite_steps_are_refused(home, analysed, made, tmp_path, capsys):
    folder = made.copy(analysed["steady_rearfoot"], tmp_path / "s")
    steps = read_steps(folder)
    write_steps(made.changed(steps, contact_time_s=np.full(len(steps), np.inf)), folder)
    assert main(["report", str(folder)]) == 2
    out, err = said(capsys)
    assert (out, err.count("\n")) == ("", 1)
    assert "steps.parquet: column 'contact_time_s' has infinite values" in err
