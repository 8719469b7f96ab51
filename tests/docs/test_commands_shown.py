"""Every command that README and documentation show can be typed as it stands: it is run, or at least parsed."""

import re
import shlex
from pathlib import Path

import pytest

from soleus.cli import build_app, main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^[ \t]*```(?:sh|bash|console)?\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)

NOT_RUN = {
    "live": "needs a radio; run over virtual pods in tests/live",
    "scan": "needs a radio; run over virtual pods in tests/ingest_ble",
    "pod-check": "needs a pod or a minute; run over virtual pods in tests/ingest_ble",
    "demo": "takes a minute; run in tests/live",
    "replay": "plays on; run in tests/live",
    "bench": "takes minutes; run in tests/bench",
    "batch": "takes a minute; run in tests/batch",
}
"""Commands that are parsed here and run elsewhere."""
ASKS = {"soleus runner init", "soleus screen soreness"}
"""They ask somebody at a keyboard; run in tests/cli."""


def commands_of(page: Path) -> list[str]:
    """Lines of the page's blocks that begin with ``soleus``, comments left out."""
    lines = [line.strip() for block in BLOCK.findall(page.read_text(encoding="utf-8")) for line in block.splitlines()]
    found = []
    for line in lines:
        for part in re.split(r"\s&&\s", re.sub(r"\s+#.*$", "", line)):
            command = re.sub(r"^(\.venv/bin/)?soleus\s", "soleus ", part.strip())
            if command.startswith("soleus ") and "…" not in command:
                found.append(command)
    return found


ALL = [(page, command) for page in PAGES for command in commands_of(page)]


def test_commands_are_found():
    assert len(ALL) > 40
    assert any(page.name == "README.md" for page, _ in ALL)


@pytest.mark.parametrize(("page", "command"), ALL, ids=[f"{p.relative_to(ROOT)}: {c}" for p, c in ALL])
def test_it_parses(page, command):
    tokens = shlex.split(command)[1:]
    build_app().parse_args(tokens, print_error=False, exit_on_error=False)


@pytest.mark.parametrize("page", [p for p in PAGES if commands_of(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_it_runs(page, workbench, capsys):
    """All commands of a page, in order, in one folder, as a reader would type them."""
    for command in commands_of(page):
        words = shlex.split(command)[1:]
        if words[0] in NOT_RUN or "--live" in words or command in ASKS:
            continue
        told = [found for word in words for found in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
        code = main(told)
        told_text = capsys.readouterr()
        assert code in {0, 1}, f"{command}\n{told_text.out[-800:]}\n{told_text.err[-800:]}"
