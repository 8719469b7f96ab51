"""The job files do what they say, and the page names no option that does not exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_slurm_shards_and_merge(whole_season, tmp_path):
    out = tmp_path / "out"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = os.environ | {"SEASON": str(whole_season / "day0"), "DATASET": str(out), "PATH": programs}
    for i in range(2):
        shard = {"SLURM_ARRAY_TASK_ID": str(i), "SLURM_ARRAY_TASK_COUNT": "2"}
        subprocess.run(["bash", DOCS / "batch" / "slurm.sh"], env=known | shard, check=True, timeout=120)
    subprocess.run(["bash", DOCS / "batch" / "slurm-merge.sh"], env=known, check=True, timeout=120)
    assert (out / "overview.html").is_file()
    assert len(list((out / "steps").rglob("*.parquet"))) == 3


@pytest.mark.parametrize("file", sorted([*(DOCS / "batch").iterdir(), DOCS / "batch.md"]), ids=lambda p: p.name)
def test_options_exist(file):
    from soleus.cli import build_app

    app = build_app()["batch"]
    known = {name for argument in app.assemble_argument_collection() for name in argument.names}
    text = file.read_text().replace("\\\n", " ")
    shown = [word for line in re.findall(r"soleus batch ([^\n|]*)", text) for word in re.findall(r"--[a-z-]+", line)]
    assert set(shown) <= known
    assert shown or file.suffix not in {".md", ".sh", ".yaml"}
