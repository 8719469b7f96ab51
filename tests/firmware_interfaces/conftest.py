"""The C codec, built with sanitizers, behind a line protocol."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware_interfaces"
SOURCES = [
    Path(__file__).with_name("pod_cli.c"),
    FIRMWARE / "c" / "soleus_pod.c",
    FIRMWARE / "c" / "soleus_ring.c",
    FIRMWARE / "zephyr" / "src" / "lsm6ds3tr_fifo.c",
    FIRMWARE / "zephyr" / "src" / "pod_app.c",
]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class Pod:
    """One process of the driver: a line in, a line out."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the C code died on {words}: see the sanitizer's report"
        return answer.strip()

    def numbers(self, *words):
        return [int(word) for word in self(*words).split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()
        assert self.process.returncode == 0, "the sanitizer found something at the end"


@pytest.fixture(scope="session")
def compiler():
    found = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
    if found is None:
        pytest.skip("no C compiler")
    return found


@pytest.fixture(scope="session")
def pod(compiler, tmp_path_factory):
    binary = tmp_path_factory.mktemp("pod") / "pod_cli"
    includes = ["-I", FIRMWARE / "c", "-I", FIRMWARE / "zephyr" / "src"]
    built = subprocess.run(
        [compiler, *STRICT, *SANITIZERS, *includes, "-o", binary, *SOURCES], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    driver = Pod(binary)
    yield driver
    driver.close()
