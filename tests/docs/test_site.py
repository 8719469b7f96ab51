"""The documentation builds without a warning: every internal link resolves and every example of the gallery runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; made from a copy, because the gallery writes its pages beside its sources."""
    place = tmp_path_factory.mktemp("site")
    told = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "docs", "firmware_interfaces", "sample_data"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    for name in filter(None, told.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes((ROOT / name).read_bytes())
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", place / "docs", place / "html"],
        capture_output=True, text=True, timeout=280, check=False, env=os.environ | {"MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr[-4000:]
    return place / "html"


def test_the_pages_are_there(site):
    for name in (
        "index",
        "start/runner",
        "methods/calf_load",
        "rules",
        "validation",
        "architecture",
        "api",
        "pod_service",
    ):
        assert (site / f"{name}.html").stat().st_size > 5000, name


def test_the_examples_ran(site):
    page = (site / "gallery" / "plot_live_equals_batch.html").read_text(encoding="utf-8")
    assert "bit for bit the same: True" in page
    assert "sphx_glr_plot_live_equals_batch_001.png" in page


def test_the_api_page_has_signatures(site):
    page = (site / "api.html").read_text(encoding="utf-8")
    for name in ("analyze", "GaitAnalyzer", "push", "tell_pain"):
        assert name in page
