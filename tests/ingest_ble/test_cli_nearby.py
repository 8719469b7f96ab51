"""soleus scan and soleus pod-check, on virtual pods and where there is no Bluetooth."""

import json

import pytest

from soleus.cli import main
from soleus.ingest.ble import RememberedDevice, RememberedDevices, Role


@pytest.fixture(autouse=True)
def own_files(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLEUS_HOME", str(tmp_path))
    return tmp_path


def test_scan_for_programs(capsys, own_files):
    RememberedDevices((RememberedDevice("F0:00:00:00:00:22", "soleus", Role.LEFT),)).write(own_files / "devices.toml")
    assert main(["scan", "--virtual", "--seconds", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    first, second = told["devices"]
    assert (first["name"], first["side"], first["battery_pct"]) == ("Soleus A0E1", "left", 80)
    assert (first["signal_dbm"], first["usable"], first["remembered_as"]) == (-50, True, None)
    assert second["remembered_as"] == "left"
    assert any("the memory is followed" in note for note in told["notes"])


def test_scan_for_people(capsys):
    words = ["scan", "--virtual", "--seconds", "1", "--identify", "soleus a0e1"]
    assert main([*words, "--set-side", "F0:00:00:00:00:11", "right"]) == 0
    out = capsys.readouterr().out
    assert "Soleus A0E1 blinks now." in out
    assert "Soleus A0E1 is the right pod from now on." in out
    assert out.count("right") >= 3
    assert "-50 dBm" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["scan", "--virtual", "--seconds", "1", "--identify", "Nobody"], "'Nobody' was not seen"),
        (["scan", "--transport", "tcp-client:127.0.0.1:1"], "no Bluetooth controller at 'tcp-client:127.0.0.1:1'"),
        (["pod-check", "--transport", "what"], "no Bluetooth controller at 'what'"),
        (["pod-check", "Nobody", "--virtual"], "'Nobody' was not seen"),
        (["scan", "--set-side", "A0E1", "top", "--virtual"], "Try: soleus scan --help"),
    ],
)
def test_refusals_are_one_sentence(capsys, words, told):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_taps_that_are_not_clear_are_not_remembered(capsys, own_files):
    assert main(["scan", "--virtual", "--seconds", "1", "--tap"]) == 0
    shown = capsys.readouterr()
    assert "tap the left toe" in shown.err
    assert "The left foot was not found" in shown.out
    assert not (own_files / "devices.toml").exists()


def test_pod_check_for_people_and_programs(capsys):
    assert main(["pod-check", "--virtual", "--seconds", "6"]) == 0
    out = capsys.readouterr().out
    assert "0 failed" in out
    assert "reconnection" in out
    assert main(["pod-check", "F0:00:00:00:00:22", "--virtual", "--seconds", "6", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pod"]["name"] == "Soleus A0E2"
    assert {check["outcome"] for check in told["checks"]} == {"passed", "skipped"}


def test_what_cannot_be_used_is_told_in_a_sentence(capsys):
    from soleus.cli.scan import _show
    from soleus.ingest.ble import ScanRow, pair
    from soleus.ingest.protocols.registry import families

    rows = [
        ScanRow(f"AA:{i:02}", "", family.key, family.title, family.kind, family.usable, family.remark, None, -60, None)
        for i, family in enumerate(families())
    ]
    _show(rows, pair(rows), [])
    out = " ".join(capsys.readouterr().out.split())
    for family in families():
        assert family.title.split()[0] in out
    assert "not public" in out
    assert "Which pod is which is not known: soleus scan --tap" in out
    _show([], pair([]), [])
    assert "Nothing was seen that can be used" in capsys.readouterr().out
