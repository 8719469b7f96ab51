import json
from pathlib import Path

import pytest

from soleus.cli import main

OWN = """
[[rule]]
name = "my-contact-time"
title = "Contact time above 200 ms"
scope = "window"
signal = "median(contact_time, 60*s)"
above = "200 ms"
foot = "each"
sustain_s = 60
severity = "info"
message = "{foot}: contact time {value} at {speed}."
reference = "My physiotherapist"
"""
SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def rule_file(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def test_the_list_has_all_and_the_own_ones(own_files, capsys):
    (own_files / "rules").mkdir()
    (own_files / "rules" / "own.toml").write_text(OWN)
    assert main(["rules", "list", "--json"]) == 0
    names = {rule["name"] for rule in json.loads(capsys.readouterr().out)}
    assert {"overstride", "red-flag-clot", "my-contact-time"} <= names
    assert main(["rules", "list"]) == 0
    assert "my-contact-time" in capsys.readouterr().out


def test_a_rule_is_explained_with_source_and_help(capsys):
    assert main(["rules", "explain", "contact-time-drift"]) == 0
    told = capsys.readouterr().out
    for words in ("fires when", "caveat", "10.26603/001c.22971", "may help", "Not when"):
        assert words in told
    assert main(["rules", "explain", "contact-drift"]) == 2
    assert "did you mean 'contact-time-drift'?" in capsys.readouterr().err


def test_a_file_is_checked(rule_file, capsys):
    assert main(["rules", "check", str(rule_file)]) == 0
    assert "1 rule, all usable" in capsys.readouterr().out
    rule_file.write_text(OWN.replace("median(contact_time", "median(contact_tiem"))
    assert main(["rules", "check", str(rule_file)]) == 2
    told = capsys.readouterr().err
    assert "own.toml: rule 'my-contact-time'" in told
    assert "did you mean 'contact_time'?" in told


def test_a_file_is_tried_on_a_session(rule_file, tmp_path, capsys):
    sample = SAMPLES / "steady_rearfoot"
    assert main(["rules", "try", str(rule_file), str(sample), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["warnings"][0]["rule"] == "my-contact-time"
    assert "> 200 ms" in found["warnings"][0]["explanation"]
    assert main(["analyze", str(sample), "--out", str(tmp_path / "done"), "--json"]) == 0
    capsys.readouterr()
    assert main(["rules", "try", str(rule_file), str(tmp_path / "done")]) == 0
    told = capsys.readouterr().out
    assert "my-contact-time" in told
    assert f"1 rule on {found['steps']} steps" in told


def test_the_bench_prints_its_bars(capsys):
    assert main(["bench", "rules", "--runners", "2", "--hours", "0.5", "--json"]) in (0, 1)
    figures = {figure["what"]: figure for figure in json.loads(capsys.readouterr().out)}
    assert figures["caution or above in 20 h"]["bar"] == 1.0
    assert figures["10000 steps at once"]["bar"] == 20.0
    assert figures["found within 3 min: fatigue"]["value"] == 100.0


@pytest.mark.parametrize(("seed", "words"), [("steady_rearfoot", None), ("one_sided_fatigue", "asymmetry-growing")])
def test_the_samples_say_what_they_should(seed, words, tmp_path, capsys):
    assert main(["analyze", str(SAMPLES / seed), "--out", str(tmp_path / "a"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    said = {warning["rule"]: warning for warning in found["summary"]["warnings"]}
    if words is None:
        assert said == {}
        assert found["guidance"] == []
        return
    assert all(warning["severity"] in ("info", "notice", "caution") for warning in said.values())
    warning = said[words]
    assert (warning["foot"], warning["severity"]) == ("left", "caution")
    assert 540.0 < warning["time_s"] < 900.0  # the change sets in at 480 s and grows with a time constant of 200 s
    assert warning["evidence"]["value"] > warning["evidence"]["threshold"]
    assert "m/s" in warning["evidence"]["explanation"]
    assert {each["name"] for each in found["guidance"]} <= {"ease-off", "calf-raises", "shorter-step"}


def test_an_unknown_rule_is_told_in_whole_sentences(capsys):
    assert main(["rules", "explain", "zzz"]) == 2
    assert "there is no rule 'zzz'. See soleus rules list" in capsys.readouterr().err
