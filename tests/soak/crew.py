"""The workers of a soak: one that lives to the end and is measured, and some that are killed."""

import threading
import time
from random import Random

import plan
from children import WorkerProcess
from weather import LARGEST_FILE

MORTALS = 2
AT_ONCE = 3
DRAINED_S = 100.0


class Crew:
    def __init__(self, seed, gateway, events, folders, *, full_by_limit):
        self._dice = Random(f"{seed} crew")
        self._gateway = gateway
        self._events = events
        self._folders = folders
        self._full_by_limit = full_by_limit
        self._clock_s = 0.0
        self._lock = threading.RLock()
        self.unwell = []
        self.steady = self._hire("steady")
        self._mortals = [self._hire(f"mortal {number}") for number in range(MORTALS)]
        self._limited = self._hire("limited", largest_file=LARGEST_FILE) if full_by_limit else None

    def _hire(self, name, **limits):
        worker = WorkerProcess(name, self._gateway.base_url, self._events, clock_s=self._clock_s, **limits)
        worker.wait_until_ready()
        return worker

    @property
    def everybody(self):
        with self._lock:
            return [worker for worker in (self.steady, *self._mortals, self._limited) if worker]

    def start(self, run, *, only=None):
        """Gives `run` to somebody; False when all are busy."""
        with self._lock:
            able = [only] if only else self._able(run)
            free = [worker for worker in able if len(worker.busy) < AT_ONCE]
            if not free:
                return False
            self._dice.choice(free).run(run, self._folders[run.home])
            return True

    def _able(self, run):
        if self._limited and run.home == plan.FULL:
            return [self._limited]
        return [self.steady, *self._mortals]

    def kill_one(self, dice):
        """Kills a busy one, and hires another in its place."""
        with self._lock:
            busy = [worker for worker in self._mortals if worker.busy]
            if not busy:
                return False
            worker = dice.choice(busy)
            self._mortals.remove(worker)
        worker.kill()
        self._events.add({"what": "killed", "pid": worker.process.pid})
        another = self._hire(worker.name)
        with self._lock:
            another.tell("clock", offset_s=self._clock_s)
            self._mortals.append(another)
        return True

    def set_clock(self, offset_s):
        with self._lock:
            self._clock_s = offset_s
            for worker in self.everybody:
                worker.tell("clock", offset_s=offset_s)

    def measure(self):
        """The steady worker with nothing to do; None when it does not come to rest."""
        asked = time.monotonic()
        self.steady.tell("measure")
        found = self._events.wait(lambda e: e["what"] == "measured" and e["at"] > asked, DRAINED_S)
        if found and found["drained"]:
            self.unwell.append(f"threads that do not end: {found['drained']}")
        return found

    def rest(self, timeout_s):
        """Waits until nobody is busy, at most so long."""
        end = time.monotonic() + timeout_s
        while any(worker.busy for worker in self.everybody) and time.monotonic() < end:
            time.sleep(0.1)

    def close(self):
        for worker in self.everybody:
            if not worker.close():
                self.unwell.append(f"the worker {worker.name} did not end by itself")
        for event in self._events.all("closed"):
            if event["drained"]:
                self.unwell.append(f"threads that do not end: {event['drained']}")
