"""The tests' browser is found or brought, or its lack is said."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture
def install():
    spec = importlib.util.spec_from_file_location("install", Path(__file__).parent / "install_browser.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_browser_that_is_there_is_taken(install, monkeypatch, capsys):
    monkeypatch.setattr(install, "find_browser", lambda: "/somewhere/chromium")
    monkeypatch.setattr(install, "attempts", lambda: pytest.fail("nothing needs to be brought"))
    assert install.main() == 0
    assert "/somewhere/chromium" in capsys.readouterr().out


def test_what_fails_first_is_tried_another_way(install, monkeypatch, tmp_path):
    brought, never = tmp_path / "chromium", tmp_path / "never"
    bring = [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"]
    ways = [[[sys.executable, "-c", "raise SystemExit(3)"], [*bring, str(never)]], [[*bring, str(brought)]]]
    monkeypatch.setattr(install, "find_browser", lambda: str(brought) if brought.exists() else None)
    monkeypatch.setattr(install, "attempts", lambda: ways)
    assert install.main() == 0
    assert not never.exists()


def test_none_at_all_is_said(install, monkeypatch, capsys):
    monkeypatch.setattr(install, "find_browser", lambda: None)
    monkeypatch.setattr(install, "attempts", lambda: [[[sys.executable, "-c", "raise SystemExit(3)"]]])
    assert install.main() == 1
    assert "install chromium" in capsys.readouterr().err


def test_ways_end_with_playwrights_own(install):
    assert install.attempts()[-1][0][-4:] == ["playwright", "install", "--with-deps", "chromium"]
