"""A small virtual machine with a stock kernel and a real bluetoothd, whose root is this system's, read-only.

Needs qemu-system-x86_64, busybox, cpio, kmod, dbus-daemon and bluetoothd, and a kernel with its modules: this system's,
or one unpacked (``dpkg-deb -x linux-image-*.deb FOLDER``) into the folder that ``SOLEUS_VM_KERNEL`` names. Emulates the
processor, so that it runs anywhere; some twenty times slower than the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

BLUETOOTHD = (Path("/usr/libexec/bluetooth/bluetoothd"), Path("/usr/lib/bluetooth/bluetoothd"))
PROGRAMS = ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "depmod", "dbus-daemon")
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "cmac", "ecb", "algif_skcipher", "algif_hash", "hci_vhci")
MEMORY_MB = 2048

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /host /rw /new
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /order); do /bin/busybox insmod /modules/$module; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=524288,cache=loose host /host
/bin/busybox mount -t tmpfs rw /rw
/bin/busybox mkdir /rw/up /rw/work
/bin/busybox mount -t overlay -o lowerdir=/host,upperdir=/rw/up,workdir=/rw/work overlay /new
for place in proc sys dev; do /bin/busybox mount --bind /$place /new/$place; done
for place in run tmp; do /bin/busybox mount -t tmpfs $place /new/$place; done
/bin/busybox cp /job /new/run/job
/bin/busybox chroot /new /bin/sh /run/job
/bin/busybox poweroff -f
"""
JOB = """export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
mkdir -p /run/dbus /var/lib/bluetooth
dbus-daemon --system --fork
{bluetoothd} -n &
cd {folder}
{python} {guest} pods &
sleep 5
timeout {limit} {python} {guest} radio
"""


def missing() -> str:
    """What the machine lacks; empty if nothing."""
    lacking = [program for program in PROGRAMS if _program(program) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    if not any(path.exists() for path in BLUETOOTHD):
        return "not installed: bluetoothd"
    if _kernel() is None:
        return "no kernel with the module hci_vhci: set SOLEUS_VM_KERNEL to a folder with an unpacked one"
    return ""


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _kernel() -> tuple[Path, Path, str] | None:
    """The kernel, the folder above its ``lib/modules``, and its version."""
    root = Path(os.environ.get("SOLEUS_VM_KERNEL", "/"))
    for image in sorted(root.glob("boot/vmlinuz-*"), reverse=True):
        version = image.name.removeprefix("vmlinuz-")
        driver = list(root.glob(f"lib/modules/{version}/kernel/drivers/bluetooth/hci_vhci.ko*"))
        if driver and os.access(image, os.R_OK):
            return image, root, version
    return None


def _modules(root: Path, version: str, folder: Path) -> list[str]:
    """Copy the modules with all they need; give their names in the order in which they are loaded."""
    if not (root / "lib" / "modules" / version / "modules.dep").exists():
        subprocess.run([_program("depmod"), "-b", root, version], check=True)
    order: list[str] = []
    for name in MODULES:
        found = subprocess.run(
            [_program("modprobe"), "-d", root, "-S", version, "--show-depends", name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        for line in found.stdout.splitlines():
            words = line.split()
            if words[0] != "insmod":
                continue
            path = Path(words[1])
            if path.name not in order:
                order.append(path.name)
                shutil.copy(path, folder / path.name)
    return order


def run(guest: Path, work: Path, timeout_s: float) -> str:
    """Boot, run the guest's script, and give all that was printed.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer.
    """
    image, root, version = _kernel() or (Path(), Path(), "")
    tree = work / "initramfs"
    (tree / "bin").mkdir(parents=True)
    (tree / "modules").mkdir()
    shutil.copy(_program("busybox") or "", tree / "bin" / "busybox")
    order = _modules(root, version, tree / "modules")
    (tree / "order").write_text("\n".join(order) + "\n")
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    bluetoothd = next(path for path in BLUETOOTHD if path.exists())
    places = {"bluetoothd": bluetoothd, "folder": guest.parent, "python": sys.executable, "guest": guest}
    job = JOB.format(**places, limit=int(timeout_s))
    (tree / "job").write_text(job)
    packed = work / "initramfs.cpio"
    names = subprocess.run(["find", "."], cwd=tree, capture_output=True, check=True).stdout
    with packed.open("wb") as out:
        subprocess.run([_program("cpio"), "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=out, check=True)
    command = [
        "qemu-system-x86_64", "-nographic", "-no-reboot", "-nic", "none", "-m", str(MEMORY_MB), "-smp", "2",
        "-accel", "tcg,thread=multi", "-cpu", "max", "-kernel", image, "-initrd", packed,
        "-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on",
        "-fsdev", "local,id=host,path=/,security_model=none,readonly=on",
        "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
    ]  # fmt: skip
    # Its own log, so that what was printed is there even if it takes too long.
    log = work / "console.log"
    with log.open("wb") as out:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, timeout=timeout_s)
    return log.read_text(errors="replace")
