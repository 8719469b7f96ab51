"""Every command as a user runs it: in a process of its own where that matters, else through ``main``."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from soleus.cli import main
from soleus.recording import read_session_record, read_steps

RUN = """
name = "half a minute"
[[bouts]]
kind = "walk"
speed_mps = 1.4
duration_s = 10.0
[[bouts]]
kind = "run"
speed_mps = 3.0
duration_s = 20.0
[belt]
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "run.toml"
    path.write_text(RUN)
    return path


@pytest.fixture
def session(scenario, tmp_path):
    folder = tmp_path / "session"
    assert main(["simulate", str(scenario), "--seed", "1", "--out", str(folder), "--json"]) == 0
    return folder


def run(*words, **more):
    return subprocess.run(
        [sys.executable, "-m", "soleus.cli", *map(str, words)], capture_output=True, text=True, check=False, **more
    )


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from soleus.cli import main\n"
        "try: main(['--help'])\nfinally: print(sorted({'numpy', 'scipy', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "analyze" in done.stdout


@pytest.mark.parametrize(
    "words", [(), ("analyze",), ("simulate",), ("bench",), ("bench", "accuracy"), ("bench", "speed")]
)
def test_every_command_has_help(words, capsys):
    assert main([*words, "--help"]) == 0
    told = capsys.readouterr()
    assert "Usage: soleus" in told.out
    assert not told.err


def test_the_version_is_told(capsys):
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("soleus")


def test_a_simulated_session_is_analysed_in_place(session, capsys):
    capsys.readouterr()
    truth = pq.read_table(session / "truth.parquet").num_rows
    assert main(["analyze", str(session)]) == 0
    told = capsys.readouterr()
    assert "steps in 0:30" in told.out
    assert "walking" in told.out
    assert "speed from the belt" in told.out
    assert "no diagnosis" in told.out
    assert f"in {session}" in told.out
    assert told.err == ""
    assert "\x1b" not in told.out
    steps = read_steps(session)
    assert abs(len(steps) - truth) <= 4
    assert (session / "warnings.parquet").is_file()
    record = read_session_record(session)
    assert record.quality["left.steps"] + record.quality["right.steps"] == len(steps)
    assert record.configuration["simulate"]["seed"] == 1


def test_json_is_clean_and_tells_the_same(session, tmp_path, capsys):
    capsys.readouterr()
    words = ["analyze", str(session), "--json", "--out", str(tmp_path / "out"), "--height", "5ft10", "--mass", "154lb"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    summary = found["summary"]
    steps = read_steps(tmp_path / "out")
    assert summary["steps"] == len(steps) == summary["running_steps"] + summary["walking_steps"]
    assert summary["walking_steps"] > 0
    assert 0 < summary["running_s"] < summary["duration_s"]
    assert found["files"] == [str(tmp_path / "out" / n) for n in ("steps.parquet", "warnings.parquet", "session.json")]
    record = read_session_record(tmp_path / "out")
    assert record.runner.height_m == pytest.approx(1.778)
    assert record.runner.mass_kg == pytest.approx(69.85, abs=0.01)
    assert {m["name"]: m["unit"] for m in summary["metrics"]}["contact_time_s"] == "s"


def test_belt_grade_and_foot_are_taken_from_the_command(session, tmp_path, capsys):
    capsys.readouterr()
    out = str(tmp_path / "out")
    words = [
        "analyze",
        str(session),
        "--out",
        out,
        "--belt-speed",
        "12km/h",
        "--grade",
        "-1%",
        "--foot",
        "left",
        "--json",
    ]
    assert main(words) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert list(summary["feet"]) == ["left"]
    speed = next(m for m in summary["metrics"] if m["name"] == "speed_mps")
    assert speed["both"] == pytest.approx(12 / 3.6)
    assert speed["asymmetry"] is None
    assert read_steps(out)["grade"][0] == pytest.approx(-0.01)
    said = read_session_record(out).configuration["analyze"]
    assert said == {"belt_speed": "12km/h", "grade": "-1%", "foot": "left"}


def test_results_without_samples_are_told_apart(session, tmp_path, capsys):
    out = tmp_path / "results"
    assert main(["analyze", str(session), "--out", str(out), "--no-history"]) == 0
    capsys.readouterr()
    assert main(["analyze", str(out), "--no-history"]) == 2
    assert "holds the results of an analysis, but no samples" in capsys.readouterr().err


def test_a_file_gets_a_folder_of_its_own_beside_it(session, tmp_path, capsys):
    from soleus.recording import read_session

    track = read_session(session).pods[0]
    rows = ["t,ax,ay,az,gx,gy,gz"]
    accel, gyro = track.samples.accel_mps2(track.info), track.samples.gyro_rads(track.info)
    for i, t in enumerate(track.samples.time_s):
        rows.append(",".join(f"{v:.6g}" for v in (t, *accel[:, i], *gyro[:, i])))
    file = tmp_path / "run-left.csv"
    file.write_text("\n".join(rows))
    capsys.readouterr()
    assert main(["analyze", str(file)]) == 0
    told = capsys.readouterr().out
    assert f"in {tmp_path / 'run-left.soleus'}" in told
    assert "read as" in told
    assert "only the left foot" in told
    assert len(read_steps(tmp_path / "run-left.soleus")) > 20


def test_a_recording_without_steps_says_so(tmp_path, capsys):
    still = tmp_path / "still-left.csv"
    still.write_text(
        "t,ax,ay,az,gx,gy,gz\n" + "".join(f"{i / 100},0.1,0.2,9.8,0.001,0.002,0.001\n" for i in range(1500))
    )
    assert main(["analyze", str(still)]) == 0
    assert "No steps were found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["analyze", "nowhere.csv"], "nowhere.csv: cannot read it: it does not exist"),
        (["analyze"], "requires an argument. Try: soleus analyze --help"),
        (["analyze", "SESSION", "--belt-speed", "12"], "speed '12': not understood; write it with its unit"),
        (["analyze", "SESSION", "--belt-speed", "120km/h"], "faster than anybody runs"),
        (["analyze", "SESSION", "--grade", "1%"], "--grade needs --belt-speed"),
        (["analyze", "SESSION", "--belt-speed", "12km/h", "--grade", "steep"], "grade 'steep': not understood"),
        (["analyze", "SESSION", "--height", "178"], "height '178': not understood"),
        (["analyze", "SESSION", "--height", "178m"], "not between 1 m and 2.5 m"),
        (["analyze", "SESSION", "--mass", "70"], "mass '70': not understood"),
        (["analyze", "SESSION", "--mass", "7kg"], "not between 20 kg and 250 kg"),
        (["analyze", "SESSION", "--foot", "middle"], 'Choose from: "left", "right"'),
        (["analyze", "SESSION", "--runner", "nobody.toml"], "nobody.toml: cannot read it"),
        (["analyze", "SESSION", "--bogus"], "Unknown option: --bogus"),
        (["analyze", "SESSION/truth.parquet"], "truth.parquet"),
        (["analyse"], 'Unknown command "analyse"'),
        (["simulate"], "no scenario given"),
        (["simulate", "nothing"], "no scenario 'nothing'"),
        (["simulate", "ideal", "--seed", "-1"], "Must be >= 0"),
        (["bench", "accuracy", "--data", "SESSION/nowhere"], "no such folder"),
        (["bench", "accuracy", "--data", "SESSION", "--plots"], "--plots needs --out"),
        (["bench", "speed", "--hours", "0"], "Must be > 0"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(words, told, session, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main([word.replace("SESSION", str(session)) for word in words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("soleus: ")
    assert told in said.err


def test_a_bug_of_ours_is_not_dressed_up_as_the_user_s_mistake(session, monkeypatch):
    def broken(*_):
        raise ValueError("a bug")

    monkeypatch.setattr("soleus.batch.summary.summarize", broken)
    with pytest.raises(ValueError, match="a bug"):
        main(["analyze", str(session)])


def test_the_same_seed_gives_the_same_files(scenario, tmp_path):
    for name in ("a", "b"):
        assert main(["simulate", str(scenario), "--seed", "5", "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a" / "imu.parquet").read_bytes() == (tmp_path / "b" / "imu.parquet").read_bytes()
    assert pq.read_table(tmp_path / "a" / "truth.parquet").equals(pq.read_table(tmp_path / "b" / "truth.parquet"))


def test_ready_scenarios_are_listed(capsys):
    assert main(["simulate", "--list"]) == 0
    assert "steady_rearfoot" in capsys.readouterr().out
    assert main(["simulate", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ideal"]["duration_s"] == 60.0


def test_accuracy_runs_on_a_session_and_writes_steps(session, tmp_path, capsys):
    capsys.readouterr()
    out = tmp_path / "out"
    assert main(["bench", "accuracy", "--data", str(session), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "% found" in told
    assert "limits of agreement" in told
    assert "walking: estimate - truth" in told
    assert len(read_steps(out / "session.steps.parquet")) > 30
    assert main(["bench", "accuracy", "--data", str(session), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["report"]
    assert report["found"] <= report["contacts"]


def test_sample_data_is_the_default(session, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "accuracy"]) == 2
    assert "no ./sample_data here" in capsys.readouterr().err
    session.rename(tmp_path / "moved")
    (tmp_path / "sample_data").mkdir()
    (tmp_path / "moved").rename(tmp_path / "sample_data" / "run")
    assert main(["bench", "accuracy"]) == 0


def test_a_reader_that_leaves_early_is_no_error(session):
    command = [sys.executable, "-m", "soleus.cli", "analyze", str(session), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_folder_that_cannot_be_written_is_named(session, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("analyze", session, "--out", tmp_path / "file" / "out")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "a part of the path is a file" in done.stderr
