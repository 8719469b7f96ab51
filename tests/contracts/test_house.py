"""The shape of the house: who may import whom, sizes of files, names, and what start-up costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "soleus"
LINES_MAX = 400
IMPORT_SECONDS_MAX = 0.3

# Room -> rooms of ours that it may import. What is not named may import anything below it in the list.
ALLOWED = {
    "model": set(),
    "gait": {"model"},
    "rules": {"model"},
    "recording": {"model"},
    "simulate": {"model"},
    "guidance": {"model", "rules"},
    "screening": {"model", "gait", "rules", "guidance"},
    "ingest": {"model"},
    "pipeline": {"model", "gait", "rules"},
    "history": {"model", "recording", "rules"},
    "report": {"model", "recording", "rules", "history", "guidance"},
    "batch": {"model", "gait", "rules", "recording", "pipeline", "history", "report"},
    "live": {"model", "gait", "rules", "recording", "pipeline", "history", "report", "ingest"},
}

modules = sorted(SOURCE.rglob("*.py"))
named = pytest.mark.parametrize("path", modules, ids=lambda p: str(p.relative_to(SOURCE)))


def room_of(path: Path) -> str:
    part = path.relative_to(SOURCE).parts[0]
    return part.removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms of ours that a file imports, wherever in the file it does so."""
    rooms = set()
    package = ["soleus", *path.relative_to(SOURCE).with_suffix("").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [origin] if origin.startswith("soleus.") else [f"{origin}.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.split(".")[0] == "soleus" and "." in name}
    return rooms


def test_the_checker_sees_imports():
    """It must be able to fail: the pipeline is known to import both gait and rules."""
    assert {"gait", "rules", "model"} <= imported_rooms(SOURCE / "pipeline.py")


@named
def test_imports_point_down(path):
    room = room_of(path)
    imported = imported_rooms(path) - {room}
    if room == "cli":
        return
    assert "cli" not in imported, "nothing imports cli"
    if room in ALLOWED:
        assert imported <= ALLOWED[room], f"{room} imports {sorted(imported - ALLOWED[room])}"


def test_every_room_has_a_rule():
    rooms = {room_of(path) for path in modules} - {"cli", "__init__", "__main__", "_version", "bench"}
    assert rooms <= set(ALLOWED), f"say in this file what {sorted(rooms - set(ALLOWED))} may import"


@named
def test_a_file_is_one_room(path):
    text = path.read_text(encoding="utf-8")
    if re.match(r'^("""|# )[^\n]*[Gg]enerated', text):
        return
    lines = text.count("\n")
    assert lines <= LINES_MAX, f"{lines} lines: two subjects, two files"


@named
def test_no_room_for_odds_and_ends(path):
    for part in path.relative_to(SOURCE).with_suffix("").parts:
        assert not re.search(r"(^|_)(utils?|helpers?|managers?|misc|common)($|_)", part)


@named
def test_nothing_unsafe(path):
    """No pickle, no eval, no pandas, no asserts on what comes from outside, no star imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origins = {alias.name.split(".")[0] for alias in node.names} | {
                (getattr(node, "module", None) or "").split(".")[0]
            }
            assert not origins & {"pickle", "pandas", "dill", "shelve", "marshal"}
            assert "*" not in {alias.name for alias in node.names}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec"}


@named
def test_the_core_has_no_clock_and_no_files(path):
    if room_of(path) not in {"gait", "rules", "model"}:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and room_of(path) == "gait":
            origins = {alias.name.split(".")[0] for alias in node.names} | {
                (getattr(node, "module", None) or "").split(".")[0]
            }
            assert not origins & {"time", "os", "io", "pathlib", "logging", "random", "threading"}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}


def repository_texts() -> list[Path]:
    """Every text file that the repository holds."""
    try:
        told = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
        paths = [ROOT / name for name in told.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [p for folder in ("src", "tests", "docs", "benchmarks") for p in (ROOT / folder).rglob("*")]
    endings = {".py", ".md", ".toml", ".txt", ".json", ".c", ".h", ".cfg", ".yaml", ".yml", ".html", ".js", ".css", ""}
    return [p for p in paths if p.is_file() and p.suffix in endings and p.stat().st_size < 2_000_000]


HOME_PATH = re.compile(r"(?<![\w.])/(?:ho" + r"me|ro" + r"ot|Us" + r"ers)/[a-z]")
"""An absolute path of one person's machine: it would work nowhere else."""


def test_no_path_of_one_machine():
    found = []
    for path in repository_texts():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if HOME_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_import_is_quick():
    """The best of five: the machine may be busy, the import may not be slow."""
    code = "import time; t = time.perf_counter(); import soleus; print(time.perf_counter() - t)"
    best = min(float(in_a_new_process(code)) for _ in range(5))
    assert best < IMPORT_SECONDS_MAX, f"{best:.2f} s"


def test_import_brings_no_heavy_library():
    code = "import sys, soleus; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    assert not set(in_a_new_process(code).split()) & {"scipy", "pyarrow", "pandas", "matplotlib", "plotly", "bleak"}


def test_what_is_promised_at_the_top_is_there():
    code = (
        "import soleus; print(all(getattr(soleus, name) is not None for name in soleus.__all__), len(soleus.__all__))"
    )
    assert in_a_new_process(code).startswith("True")


def test_an_unknown_name_is_an_attribute_error():
    import soleus

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = soleus.nothing
