"""The processes of a soak: the gateway and the workers, each of which may be killed and started anew."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
SPEED = 8.0  # a run takes a second or two
TIMEOUT_S = 12.0
READY_S = 60.0
CLOSE_S = 120.0
# glibc keeps what it once needed, in an arena for each of some threads; what is measured is what is in use.
STRICT_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"}


class Events:
    """What all processes have said, in the order in which it came; `at` is on time.monotonic()."""

    def __init__(self):
        self._changed = threading.Condition()
        self._events = []

    def add(self, event):
        with self._changed:
            self._events.append({**event, "at": time.monotonic()})
            self._changed.notify_all()

    def all(self, what=None):
        with self._changed:
            return [event for event in self._events if what in (None, event["what"])]

    def wait(self, wanted, timeout_s):
        """The first event for which `wanted` holds, or None."""
        with self._changed:
            self._changed.wait_for(lambda: any(wanted(event) for event in self._events), timeout_s)
            return next((event for event in self._events if wanted(event)), None)


class Child:
    """One process that says JSON lines on stdout."""

    def __init__(self, name, arguments, events):
        self.name = name
        self._events = events
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        self.process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment | STRICT_MEMORY | {"PYTHONWARNINGS": "ignore"},
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.heard({**json.loads(line), "pid": self.process.pid})

    def heard(self, event):
        self._events.add(event)

    def wait_until_ready(self):
        pid = self.process.pid
        assert self._events.wait(lambda e: e["what"] == "ready" and e["pid"] == pid, READY_S), f"{self.name}: no start"

    def tell(self, do, **facts):
        self.process.stdin.write(json.dumps({"do": do, **facts}) + "\n")
        self.process.stdin.flush()

    def kill(self):
        """-9; what it had said by then is read to the end."""
        self.process.kill()
        self._end()

    def close(self):
        """Lets it end by itself. Whether it did."""
        self.process.stdin.close()
        try:
            self.process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._end()
        return self.process.returncode == 0

    def _end(self):
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self.process.stdin.close()


class GatewayProcess:
    """The simulator on one port for the whole time, apart from the moments in which it is gone."""

    def __init__(self, events):
        self._events = events
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.kills = 0
        self._child = None
        self.start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self):
        self._child = Child("gateway", [HERE / "gateway.py", self._port, SPEED], self._events)
        self._child.wait_until_ready()

    def vanish(self, gone_s):
        self._child.kill()
        self.kills += 1
        time.sleep(gone_s)
        self.start()

    def close(self):
        return self._child.close()


class WorkerProcess(Child):
    """A worker and what it is busy with."""

    def __init__(self, name, base_url, events, *, clock_s=0.0, largest_file=None):
        self._lock = threading.Lock()
        self.busy = Counter()
        limits = ["--largest-file", largest_file] if largest_file else []
        arguments = [HERE / "worker.py", base_url, "--timeout-s", TIMEOUT_S, "--clock", clock_s, *limits]
        super().__init__(name, arguments, events)

    def heard(self, event):
        super().heard(event)
        if event["what"] in ("end", "raised"):
            with self._lock:
                self.busy.pop(event["run"], None)

    def run(self, run, folder):
        with self._lock:
            self.busy[run.id] = 1
        self._events.add({"what": "start", "run": run.id, "worker": self.name, "pid": self.process.pid})
        self.tell("run", run={**run.as_json(), "folder": str(folder)})
