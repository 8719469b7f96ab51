"""See that there is a browser for the page's tests: find one, or bring Debian's, or else Playwright's own.

Run before the tests: ``python tests/page/install_browser.py``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_MOST_S = 900


def find_browser() -> str | None:
    """Find a chromium: the system's, or the one that Playwright brought."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def attempts() -> list[list[list[str]]]:
    """Ways to bring a browser, the best first; each is a list of commands."""
    ways = [[[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]]
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        ways.insert(0, [["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]])
    return ways


def main() -> int:
    """Find or bring a browser; 0 if there is one in the end."""
    found = find_browser()
    for way in [] if found else attempts():
        for command in way:
            print("Bringing a browser:", " ".join(command), flush=True)
            if subprocess.run(command, check=False, timeout=INSTALL_MOST_S).returncode:
                break
        found = find_browser()
        if found:
            break
    if not found:
        print(
            "No chromium for the tests of the live page, and none could be brought: install chromium, or run "
            "python -m playwright install --with-deps chromium",
            file=sys.stderr,
        )
        return 1
    print(f"Browser for the tests of the live page: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
