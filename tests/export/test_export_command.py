import json
import shutil
import sys

import pytest

from soleus.cli import main


@pytest.fixture
def session(sample_sessions, tmp_path):
    return shutil.copytree(sample_sessions["ladder_forefoot"], tmp_path / "ladder")


def test_the_usual_kinds_are_written_without_a_word(session, capsys):
    assert main(["export", str(session)]) == 0
    told = capsys.readouterr().out.splitlines()
    names = ["activity.fit", "steps.csv", "warnings.csv", "export.json", "export.parquet"]
    assert told == [f"Wrote {session / name}" for name in names]
    assert not list(session.glob("*.c3d"))
    json.loads((session / "export.json").read_bytes())


def test_only_what_is_asked_for(session, tmp_path, capsys):
    assert main(["export", str(session), "--csv", "--fit", "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["activity.fit", "steps.csv", "warnings.csv"]
    assert "activity.fit" in capsys.readouterr().out


def test_several_sessions_get_a_folder_each(sample_sessions, tmp_path, capsys):
    pytest.importorskip("ezc3d")
    folders = [str(sample_sessions[name]) for name in ("ladder_forefoot", "steady_rearfoot")]
    out = tmp_path / "out"
    assert main(["export", *folders, str(tmp_path / "none"), "--fit", "--c3d", "--out", str(out), "--for", "20s"]) == 1
    for name in ("ladder_forefoot", "steady_rearfoot"):
        assert sorted(path.name for path in (out / name).iterdir()) == ["activity.fit", "export.c3d"]
    told = capsys.readouterr().out
    assert f"Left out {tmp_path / 'none'}" in told
    assert main(["export", folders[0], folders[0], "--out", str(out)]) == 2
    assert "two sessions are named 'ladder_forefoot'" in capsys.readouterr().err


def test_many_files_are_told_in_one_line(session, capsys):
    pytest.importorskip("ezc3d")
    assert main(["export", str(session), "--c3d"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("files)")
    assert "export-00000.c3d ... export-00" in line


def refused(capsys, *words) -> str:
    assert main(["export", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_errors_are_one_sentence(session, tmp_path, capsys, monkeypatch):
    assert "does not exist" in refused(capsys, str(tmp_path / "none"))
    assert "--from and --for choose a part for --c3d" in refused(capsys, str(session), "--fit", "--from", "5min")
    assert "--start is for one session" in refused(capsys, str(session), str(session), "--start", "2025-05-03T18:30")
    assert "date 'tuesday': not understood" in refused(capsys, str(session), "--start", "tuesday")
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    assert "pip install 'soleus[c3d]'" in refused(capsys, str(session), "--c3d")
    (session / "steps.parquet").unlink()
    assert "run soleus analyze on it first" in refused(capsys, str(session))


def test_without_a_start_the_rest_is_written_and_fit_explained(tmp_path, sessions, capsys):
    folder = sessions.write(tmp_path / "a", sessions.run(30.0), start=None)
    assert main(["export", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "No FIT:" in told
    assert "export.parquet" in told
    assert "--start" in refused(capsys, str(folder), "--fit")
    assert main(["export", str(folder), "--fit", "--start", "2025-05-03T18:30Z"]) == 0
    assert (folder / "activity.fit").exists()
