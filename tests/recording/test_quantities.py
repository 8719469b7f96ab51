"""Speeds, grades and runners as people type them."""

from __future__ import annotations

import pytest

from soleus.recording import RecordingError, load_runner, parse_grade, parse_speed


@pytest.mark.parametrize(
    ("text", "speed_mps"),
    [
        ("12km/h", 12 / 3.6),
        (" 12,5 KM/H ", 12.5 / 3.6),
        ("3.33 m/s", 3.33),
        ("7.5mph", 7.5 * 0.44704),
        ("5:00/km", 1000 / 300),
        ("5:30 min/km", 1000 / 330),
        ("8:00/mi", 1609.344 / 480),
        ("0 m/s", 0.0),
        ("10 kph", 10 / 3.6),
    ],
)
def test_speeds(text, speed_mps):
    assert parse_speed(text) == pytest.approx(speed_mps, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "12", "km/h", "-3m/s", "nan m/s", "12 furlong", "100km/h", "0:00/km", "5:61/km", "1e3m/s"]
)
def test_speeds_refused(text):
    with pytest.raises(RecordingError, match="speed '"):
        parse_speed(text)


@pytest.mark.parametrize(
    ("text", "grade"), [("1%", 0.01), ("0.01", 0.01), ("-2.5 %", -0.025), ("+1,5%", 0.015), ("0", 0)]
)
def test_grades(text, grade):
    assert parse_grade(text) == pytest.approx(grade, abs=1e-15)


@pytest.mark.parametrize("text", ["", "%", "1", "steep", "60%", "nan", "1%%"])
def test_grades_refused(text):
    with pytest.raises(RecordingError, match="grade '"):
        parse_grade(text)


def test_runner(tmp_path):
    path = tmp_path / "runner.toml"
    path.write_text('name = "Ada"\nheight_m = 1.7\nmass_kg = 60\nsex = "female"\n')
    runner = load_runner(path)
    assert (runner.name, runner.height_m, runner.mass_kg) == ("Ada", 1.7, 60)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("height = 1.7", "unknown field `height`"),
        ("height_m = 170", "'height_m': Expected `float` <= 2.5"),
        ('mass_kg = "60"', "'mass_kg': Expected"),
        ('sex = "f"', "'sex': Invalid enum value"),
        ("height_m == 1", "not valid TOML"),
        ("\xff", "TOML|unknown"),
        ("[runner]\nname = 'x'", "unknown field `runner`"),
        ("", "empty"),
    ],
)
def test_runner_refused(tmp_path, text, message):
    path = tmp_path / "runner.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(RecordingError, match=message) as error:
        load_runner(path)
    assert "runner.toml: " in str(error.value)
