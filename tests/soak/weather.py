"""Breaks what is around the runs: disks, locks, clocks, and processes that die. Each has dice of its own."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from random import Random

DISK = "192m"
LARGEST_FILE = 64 * 1024  # stands in for a full disk where none can be mounted
IN_A_NAMESPACE = ["unshare", "--mount", "--propagation", "private"]
LOCK = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
time.sleep(float(sys.argv[2]))
"""
# vault.py waits for a lock for 10 s.
SHORT_LOCK_S, LONG_LOCK_S = (0.5, 4.0), (12.0, 14.0)
CLOCK_JUMPS_S = (3600.0, -7200.0, 70.0, -70.0, 86400.0, 0.0)


def namespace_command():
    """What to start a command with, so that its mounts are its own and end with it; None where that is not possible."""
    command = IN_A_NAMESPACE if os.name == "posix" and os.geteuid() == 0 else [*IN_A_NAMESPACE, "--map-root-user"]
    try:
        mount = [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        probe = subprocess.run(mount, check=False, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return command if probe.returncode == 0 else None


class Disk:
    """A small disk in memory, mounted at `folder` for as long as this process's mount namespace lives."""

    def __init__(self, folder):
        folder.mkdir()
        self._folder = folder
        self._ballast = folder / "ballast"
        self._mount("-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder)

    def fill(self, left_bytes):
        """Nothing is free but `left_bytes`."""
        for _ in range(100):  # others write meanwhile
            space = os.statvfs(self._folder)
            size = max(1, space.f_bavail * space.f_frsize - left_bytes)
            with suppress(OSError), self._ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
                return
            self.free()
        raise OSError("the disk cannot be filled")

    def free(self):
        self._ballast.unlink(missing_ok=True)

    def read_only(self):
        """Whether it worked: a disk that is being written to at this moment refuses."""
        return self._remount("ro")

    def writable(self):
        assert self._remount("rw")

    def _remount(self, mode):
        for _ in range(100):
            if self._mount("-o", f"remount,{mode}", self._folder, check=False) == 0:
                return True
            time.sleep(0.02)
        return False

    @staticmethod
    def _mount(*arguments, check=True):
        command = ["mount", *map(str, arguments)]
        return subprocess.run(command, check=check, capture_output=True, timeout=20).returncode


class Weather:
    """Runs `chances` in threads until `stop`: functions, each with what it troubles.

    Each takes that, dice of its own, and `wait`, where `wait(seconds)` is True at the end.
    """

    def __init__(self, seed, chances):
        self._stop = threading.Event()
        self.counts = Counter()
        self.broken = []
        self._threads = [
            threading.Thread(target=self._go, args=(chance, thing, Random(f"{seed} {chance.__name__}")), daemon=True)
            for chance, thing in chances
        ]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _go(self, chance, thing, dice):
        try:
            for what in chance(thing, dice, self._stop.wait):
                self.counts[what] += 1
        except Exception as error:
            self.broken.append(f"{chance.__name__}: {error!r}")


def full_disk(disk, dice, wait):
    while not wait(dice.uniform(2, 5)):
        disk.fill(dice.choice((0, 40_000, 300_000)))
        yield "full disk"
        wait(dice.uniform(2, 6))
        disk.free()


def read_only_home(disk, dice, wait):
    while not wait(dice.uniform(3, 6)):
        if disk.read_only():
            yield "read-only home"
        wait(dice.uniform(1, 5))
        disk.writable()


def locked_database(path, dice, wait):
    while not wait(dice.uniform(2, 6)):
        if not path.exists():
            continue
        long = dice.random() < 0.25
        seconds = dice.uniform(*(LONG_LOCK_S if long else SHORT_LOCK_S))
        subprocess.run([sys.executable, "-c", LOCK, str(path), str(seconds)], check=True)
        yield f"locked for {'longer' if long else 'less'} than 10 s"


def vanishing_gateway(gateway, dice, wait):
    while not wait(dice.uniform(10, 25)):
        gateway.vanish(dice.uniform(0.1, 1.5))
        yield "gateway killed -9"


def killed_workers(crew, dice, wait):
    while not wait(dice.uniform(4, 12)):
        if crew.kill_one(dice):
            yield "worker killed -9"


def jumping_clock(crew, dice, wait):
    while not wait(dice.uniform(4, 12)):
        crew.set_clock(dice.choice(CLOCK_JUMPS_S))
        yield "clock moved"
