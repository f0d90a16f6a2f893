"""All that can go wrong, at once: `uv run --group test python tests/soak [--minutes 10 | --runs 1000] [--seed N]`.

Random scenarios of the simulator, cancels, kills, a full disk, a read-only home, a locked database, a clock that
jumps, a gateway that vanishes; a part of it in a real ComfyUI where one is found. Ends with one line for each promise
and status 1 when one was broken. A seed gives the same runs; in which moment of one something happens is the machine's.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

import plan
import weather
from children import Events, GatewayProcess
from crew import Crew
from host_part import HostPart, find
from verdict import Story, judge

INSIDE = "GPT4O_IMAGE_SOAK_INSIDE"
MEASURED_AT = (0.25, 0.5, 0.75)  # of the time, and at the end; before the first of them all is warming up
MOST_MEMORY_MIB = 24
LONG_S = 180.0
HOURS_S = 6 * 3600.0
MOST_DESCRIPTORS = MOST_THREADS = 2


class Soak:
    def __init__(self, seed, folder, *, mounts, comfyui):
        self.seed = seed
        self.events = Events()
        self.folders = {home: folder / home for home in plan.HOMES}
        self.disks = [weather.Disk(self.folders[home]) for home in (plan.FULL, plan.READ_ONLY)] if mounts else []
        self.gateway = GatewayProcess(self.events)
        self.crew = Crew(seed, self.gateway, self.events, self.folders, full_by_limit=not mounts)
        self.host = HostPart(comfyui, seed, self.gateway, self.events, folder / "host") if comfyui else None
        self.weather = weather.Weather(seed, self._chances())
        self.runs = []
        self.levels = []
        self._plan = plan.Plan(seed)

    def _chances(self):
        yield weather.vanishing_gateway, self.gateway
        yield weather.killed_workers, self.crew
        yield weather.jumping_clock, self.crew
        yield weather.locked_database, self.folders[plan.LOCKED] / "vault" / "vault.sqlite3"
        if self.disks:
            yield weather.full_disk, self.disks[0]
            yield weather.read_only_home, self.disks[1]

    def go(self, seconds, most_runs):
        self._most_runs = most_runs
        begin = time.monotonic()
        self.weather.start()
        if self.host:
            self.host.start()
        for part in MEASURED_AT if seconds > LONG_S else MEASURED_AT[:1]:
            self._run_until(begin + seconds * part)
            self._measure()
        self._run_until(begin + seconds)
        self.weather.stop()
        if self.host:
            self.host.stop()
        self.crew.rest(30)
        self.crew.set_clock(0)
        self._measure()
        self.crew.close()
        self.gateway_ended = self.gateway.close()

    def _run_until(self, end):
        while time.monotonic() < end and len(self.runs) < self._most_runs:
            for run in self._plan.next_runs():
                while not self.crew.start(run):
                    time.sleep(0.02)
                self.runs.append(run)

    def _measure(self):
        self.levels.append(self.crew.measure())

    def verdict(self):
        hosted = self.host.runs if self.host else []
        folders = {**self.folders, "host": self.host.folder} if self.host else self.folders
        story = Story([*self.runs, *hosted], self.events.all(), folders)
        verdict = judge(story)
        self._say_levels(verdict)
        verdict.say("everybody ends when told to", self._unwell(), f"{len(self.crew.everybody)} workers, the gateway")
        if self.host:
            self.host.judge(verdict)
        return verdict

    def _unwell(self):
        gone = [] if self.gateway_ended else ["the gateway did not end"]
        return [*self.crew.unwell, *self.weather.broken, *gone]

    def _say_levels(self, verdict):
        if not all(self.levels):
            verdict.say("memory, threads and descriptors are level", ["the steady worker never came to rest"], "")
            return
        before, after = self.levels[0], self.levels[-1]
        limits = {"memory_mib": MOST_MEMORY_MIB, "threads": MOST_THREADS, "descriptors": MOST_DESCRIPTORS}
        shown = ", ".join(f"{name} {' '.join(f'{level[name]:.0f}' for level in self.levels)}" for name in limits)
        broken = [f"more {name}" for name, most in limits.items() if after[name] - before[name] > most]
        verdict.say("memory, threads and descriptors are level", broken, shown)


def in_a_namespace():
    """Starts over where mounts are this process's own, if that is possible. Whether it is there."""
    if INSIDE in os.environ:
        return os.environ[INSIDE] == "yes"
    command = weather.namespace_command()
    os.environ[INSIDE] = "yes" if command else "no"
    if command:
        os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])
    return False


def main():
    parser = argparse.ArgumentParser(prog="python tests/soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, help="end after so many, however long they take")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--no-comfyui", action="store_true")
    arguments = parser.parse_args()
    mounts = in_a_namespace()
    print(f"seed {arguments.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gpt4o-image-soak-", ignore_cleanup_errors=True) as folder:
        comfyui = None if arguments.no_comfyui else find(os.environ)
        soak = Soak(arguments.seed, Path(folder), mounts=mounts, comfyui=comfyui)
        soak.go(arguments.minutes * 60 if arguments.runs is None else HOURS_S, arguments.runs or sys.maxsize)
        verdict = soak.verdict()
    by = "a disk of " + weather.DISK if mounts else f"files of at most {weather.LARGEST_FILE} bytes; no read-only home"
    counts = ", ".join(f"{what} {count}" for what, count in sorted(soak.weather.counts.items()))
    minutes = (time.monotonic() - began) / 60
    print(f"seed {arguments.seed}, {minutes:.1f} min, {len(soak.runs)} runs; full disk by {by}")
    print(f"weather: {counts}")
    print(*verdict.lines, sep="\n")
    print("every promise was kept" if verdict.kept else "A PROMISE WAS BROKEN")
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    sys.exit(main())
