import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.cli import main
from soleus.cli.runner import write_runner
from soleus.model import Runner
from soleus.recording import RecordingError, load_runner


def test_a_file_is_made_shown_and_changed(own_files, capsys):
    words = ["--name", "Ada", "--height", "5ft7", "--mass", "60kg", "--age", "34", "--sex", "female", "--shoe", "Light"]
    assert main(["runner", "init", *words, "--drop", "6mm", "--surface", "road"]) == 0
    runner = load_runner(own_files / "runner.toml")
    assert runner == Runner(
        name="Ada", height_m=1.7018, mass_kg=60.0, age_years=34, sex="female", shoe="Light", shoe_drop_m=0.006,
        surface="road",
    )  # fmt: skip
    capsys.readouterr()
    assert main(["runner", "show"]) == 0
    assert "mass_kg = 60.0" in capsys.readouterr().out
    assert main(["runner", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shoe"] == "Light"
    assert main(["runner", "init", "--mass", "61kg"]) == 2
    assert "is there already; change it with --force" in capsys.readouterr().err
    assert main(["runner", "init", "--mass", "61kg", "--force"]) == 0
    changed = load_runner(own_files / "runner.toml")
    assert (changed.mass_kg, changed.name) == (61.0, "Ada")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--height", "178"), "height '178': not understood; write it with its unit"),
        (("--drop", "8"), "drop '8': not understood; write it as 8mm"),
        (("--drop", "90mm"), "'shoe_drop_m'"),
        (("--age", "300"), "300"),
        ((), "nobody is here to be asked; give at least one of --name"),
    ],
)
def test_what_is_wrong_names_the_mend(words, hint, capsys, monkeypatch, own_files):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["runner", "init", *words]) == 2
    assert hint in capsys.readouterr().err
    assert list(own_files.iterdir()) == []


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


def test_it_asks(capsys, monkeypatch, own_files):
    monkeypatch.setattr("sys.stdin", Terminal("Bo\n1.80\n1.80m\n\n44\nother\n\n-2mm\nmoon\ntrail\n"))
    assert main(["runner", "init"]) == 0
    assert "height '1.80': not understood" in capsys.readouterr().out
    assert load_runner(own_files / "runner.toml") == Runner(
        name="Bo", height_m=1.8, age_years=44, sex="other", shoe_drop_m=-0.002, surface="trail"
    )
    monkeypatch.setattr("sys.stdin", Terminal("\n\n80kg\n\n\n\n\n\n"))
    assert main(["runner", "init"]) == 0
    assert load_runner(own_files / "runner.toml").mass_kg == 80.0


def test_the_own_file_serves_a_recording_that_names_nobody(own_files, tmp_path, capsys):
    main(["runner", "init", "--name", "Ada", "--height", "1.7m"])
    (tmp_path / "run.toml").write_text(
        'name = "x"\n[[bouts]]\nkind = "run"\nspeed_mps = 3.0\nduration_s = 20.0\n[runner]\n[belt]\n'
    )
    assert main(["simulate", str(tmp_path / "run.toml"), "--out", str(tmp_path / "s")]) == 0
    capsys.readouterr()
    assert main(["analyze", str(tmp_path / "s")]) == 0
    assert f"Runner: Ada, from {own_files / 'runner.toml'}" in capsys.readouterr().out


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode())))
def test_any_file_is_read_or_refused(content, tmp_path):
    path = tmp_path / "runner.toml"
    path.write_bytes(content)
    try:
        load_runner(path)
    except RecordingError as error:
        told = str(error)
    else:
        told = "runner.toml"
    assert "runner.toml" in told


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), shoe=st.text('a"\\\n\x7f\u2028é'))
def test_any_name_comes_back(name, shoe, tmp_path):
    runner = Runner(name=name, shoe=shoe[:100], height_m=1.8)
    write_runner(runner, tmp_path / "r.toml")
    assert load_runner(tmp_path / "r.toml") == runner


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("heigth_m = 1.8", "did you mean 'height_m'?"),
        ("favourite = 3", "known are name, mass_kg"),
        ("height_m = 180", "'height_m'"),
        ('height_m = "tall"', "'height_m'"),
        ("mass_kg = nan", "'mass_kg'"),
        ('surface = "moon"', "'surface'"),
    ],
)
def test_a_wrong_line_is_named_with_the_mend(text, hint, tmp_path):
    path = tmp_path / "runner.toml"
    path.write_text(text)
    with pytest.raises(RecordingError, match=r"runner\.toml") as caught:
        load_runner(path)
    assert hint in str(caught.value)


FIELDS = st.sampled_from([*Runner.__struct_fields__, "heigth", "a.b", '"__class__"'])
TOML = st.recursive(
    st.one_of(st.integers(), st.floats(), st.sampled_from(["true", "false"]), st.text("aé'{}", max_size=6).map(repr)),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.dictionaries(FIELDS, TOML, max_size=5))
def test_any_keys_and_values_are_read_or_refused(entries, tmp_path):
    path = tmp_path / "runner.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in entries.items()), "utf-8")
    try:
        told = str(load_runner(path)) and "runner.toml"
    except RecordingError as error:
        told = str(error)
    assert "runner.toml" in told
