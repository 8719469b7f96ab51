"""``soleus recover`` as a user runs it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from soleus.cli import main
from soleus.model import Foot, PodInfo, PodSamples
from soleus.recording import Journal, JournalFacts, read


@pytest.fixture
def broken_off(tmp_path):
    """A journal of three segments that was stopped in order."""
    folder = tmp_path / "run"
    facts = JournalFacts(pods=tuple(PodInfo(foot, 0.005, 0.001) for foot in Foot))
    with Journal(folder, facts, write_s=0.01, segment_s=0.0) as journal:
        for number in range(3):
            for foot in Foot:
                time_s = number + np.arange(400) / 400
                journal.samples(PodSamples(foot, time_s, np.ones((6, 400), np.int16)))
            while journal.status.waiting_bytes:
                pass
    assert len(list(folder.glob("journal-*.arrows"))) >= 3
    return folder


def test_whole(broken_off, capsys):
    assert main(["recover", str(broken_off)]) == 0
    shown = capsys.readouterr().out
    assert f"{broken_off}: rebuilt from its journal" in shown
    assert "left foot: 1,200 samples, 0:03" in shown
    assert "Nothing is missing." in shown
    assert len(read(broken_off).pods[0].samples) == 1200
    assert main(["recover", str(broken_off)]) == 0
    assert "was whole already" in capsys.readouterr().out


def test_losses_are_told_and_give_status_1(broken_off, capsys):
    (broken_off / "journal-0001.arrows").unlink()
    assert main(["recover", str(broken_off)]) == 1
    shown = capsys.readouterr().out
    assert "samples are missing" in shown
    assert "journal-0001.arrows is missing" in shown


def test_json(broken_off, capsys):
    assert main(["recover", str(broken_off), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["recovered"]
    assert report["outcome"] == "rebuilt"
    assert [pod["samples"] for pod in report["pods"]] == [1200, 1200]


def test_nothing_to_recover_is_one_sentence(tmp_path, capsys):
    assert main(["recover", str(tmp_path)]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["recover", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_analyze_reads_a_journal_and_leaves_it_to_recover(broken_off, capsys):
    assert main(["analyze", str(broken_off)]) == 0
    assert "soleus recover" in capsys.readouterr().out
    assert main(["recover", str(broken_off)]) == 0
    assert len(read(broken_off).pods[0].samples) == 1200
