"""Many machines on one vault, while they are killed, the database restarts and a link breaks: who pays, what is lost.

    uv run --group test python tests/machines [--vault sqlite] [--processes 8] [--requests 50] [--hurry 10]

Half of each machine's requests are those of all others too. On PostgreSQL each machine has a home of its own, and a
clock that is up to five minutes off; every other one reaches the database by a link that breaks once. `--hurry` divides
heartbeats, patience and that break. Ends with one line for each promise, and status 1 when one was broken.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from postgres_server import own_server
from quick_painter import quick_paint
from relay import Relay

from gpt4o_image.gateway.config import Config
from gpt4o_image.simulator import Simulator, pictures
from gpt4o_image.vault.opening import open_vault
from gpt4o_image.vault.results import DIED

PRICE_USD = 0.009  # gpt-4o-image-vip, the default model
CLOCKS_S = (0.0, 300.0, -300.0, 150.0)
BREAK_S = 30.0
pictures.MAX_ADDRESSES = 10_000  # a machine may come late to what another died over, and links live for days
# What is committed is the system's: it outlives the database's death, and no disk is waited for.
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200")


class Machine:
    """A process that makes requests, and is started again each time it was killed."""

    def __init__(self, orders):
        self._orders = orders
        self.said = []
        self.kills = 0
        self._lock = threading.Lock()
        self._start()

    def _start(self):
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._process.stdin.write(json.dumps(self._orders) + "\n")
        self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, lines):
        for line in lines:
            if line.endswith("\n"):
                self.said.append(json.loads(line))

    def kill(self):
        with self._lock:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
                self._reader.join()
                self.kills += 1
                self._start()

    @property
    def running(self):
        with self._lock:
            return self._process.poll() is None

    def end(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


class Trial:
    def __init__(self, options, folder, stack):
        self._options = options
        self._folder = folder
        self._dice = random.Random(options.seed)
        self.simulator = stack.enter_context(Simulator(speed=options.speed, paint=quick_paint))
        self.server = self.relay = None
        self.url = self.far_url = ""
        if options.vault == "postgresql":
            self.server = own_server(SETTINGS)
            if self.server is None:
                raise SystemExit("There is no PostgreSQL on this machine.")
            stack.callback(self.server.remove)
            self.relay = stack.enter_context(Relay(self.server.port))
            self.url = self.server.url()
            self.far_url = self.url.replace(f":{self.server.port}/", f":{self.relay.port}/")
        self.vault = open_vault(Config(folder / "home" / "config.toml"), {"GPT4O_IMAGE_VAULT": self.url})

    def machines(self, prompts, budget_usd):
        return [
            Machine(
                {
                    "home": str(self._folder / (f"home {number}" if self.url else "home")),
                    "vault": self.far_url if number % 2 else self.url,
                    "clock_s": CLOCKS_S[number % len(CLOCKS_S)] if self.url else 0.0,
                    "hurry": self._options.hurry,
                    "gateway": self.simulator.base_url,
                    "budget_usd": budget_usd,
                    "prompts": mine,
                }
            )
            for number, mine in enumerate(prompts)
        ]

    def until_all_ended(self, machines, trouble):
        """Each of `trouble` once, some calls after the one before."""
        deadline, next_at, between = time.monotonic() + 1200, 0, 0
        trouble = list(trouble)
        self._dice.shuffle(trouble)
        between = self._options.different // (len(trouble) + 2) if trouble else 0
        while any(each.running for each in machines) or trouble:
            if time.monotonic() > deadline:
                raise SystemExit("Not all machines ended.")
            if trouble and self.simulator.posts() >= next_at + between:
                next_at += between
                trouble.pop()()
            time.sleep(0.02)

    def break_link(self):
        self.relay.cut()
        timer = threading.Timer(BREAK_S / self._options.hurry, self.relay.mend)
        timer.daemon = True
        timer.start()


def run(options, trial):
    own = options.requests - options.requests // 2
    together = [f"together {number}" for number in range(options.requests // 2)]
    prompts = [[*together, *(f"{name} alone {number}" for number in range(own))] for name in range(options.processes)]
    options.different = len({prompt for mine in prompts for prompt in mine})
    dice = random.Random(options.seed)
    for mine in prompts:
        dice.shuffle(mine)
    budget = PRICE_USD * (options.different + 4 * options.kills)
    machines = trial.machines(prompts, budget)
    trouble = [dice.choice(machines).kill for _ in range(options.kills)]
    if trial.server:
        trouble += [lambda: trial.server.restart(signal.SIGQUIT)] * options.restarts + [trial.break_link]
    trial.until_all_ended(machines, trouble)
    for each in machines:
        each.end()
    yield from verdict(options, trial, machines, prompts, budget)
    yield last_of_the_money(options, trial)


def verdict(options, trial, machines, prompts, budget):
    trial.vault.close_dead_runs()
    posts, results = trial.simulator.posts(), trial.vault.results()
    died = [each for each in results if (each.error or {}).get("message") == DIED["message"] and not each.files]
    kills = sum(each.kills for each in machines)
    said = [line for each in machines for line in each.said]
    yield (
        "POSTs = different requests",
        options.different <= posts <= options.different + len(died),
        f"{posts} POSTs, {options.different} different requests, {len(died)} died with nothing ({kills} kills)",
    )
    kept = Counter(each.prompt for each in results if each.files or each.shown)
    all_wanted = {prompt for mine in prompts for prompt in mine}
    # Killed when only the preview's link had come: never paid for again, and another seed is the user's choice.
    stuck = {each.prompt for each in died if each.shown and not each.pictures}
    wanted = all_wanted - stuck
    twice = [prompt for prompt in wanted if kept[prompt] != 1]
    yield (
        "each is bought once",
        not twice,
        f"{len(wanted)} requests, {len(twice)} not once {twice[:3]}, {len(stuck)} with a preview's link only",
    )
    missing = [
        (number, prompt)
        for number, (machine, mine) in enumerate(zip(machines, prompts, strict=True))
        for prompt in {*mine} & wanted - {line["prompt"] for line in machine.said if line.get("pictures")}
    ]
    yield "every machine has every picture", not missing, f"{len(missing)} missing {missing[:3]}"
    found = defaultdict(set)
    for line in said:
        found[line["prompt"]] |= {*line.get("pictures", ())}
    different = [prompt for prompt, each in found.items() if len(each) != 1 and prompt not in stuck]
    yield "all have the same pictures", not different, f"{len(different)} differ {different[:3]}"
    unread = [file.path.name for result in results for file in result.files if not readable(file)]
    asked = {record["path"] for record in trial.simulator.requests() if record["method"] == "GET"}
    known = {
        link.address.removeprefix(trial.simulator.origin)
        for result in results
        for link in (*result.pictures, *result.links)
    }
    lost = {path for path in asked if path.startswith("/cdn")} - known
    yield "nothing is lost", not unread and not lost, f"{len(unread)} files, {len(lost)} links"
    odd = [line for line in said if "error" in line and line["prompt"] not in stuck]
    yield "no other failures", not odd, f"{len(odd)} {[line.get('message', line['error']) for line in odd[:3]]}"
    spent = trial.vault.spent_today()
    kept_to = posts * PRICE_USD <= budget + 1e-9 and spent <= budget + 1e-9
    yield "the budget is kept", kept_to, f"gateway {posts * PRICE_USD:.3f}, vault {spent:.3f} of {budget:.3f} USD"


def readable(file):
    try:
        return bool(file.read())
    except OSError:
        return False


def last_of_the_money(options, trial):
    """All machines at once want more than there is money for."""
    before = trial.simulator.posts()
    budget = trial.vault.spent_today() + options.more * PRICE_USD
    machines = trial.machines(
        [[f"{name} more {n}" for n in range(options.more)] for name in range(options.processes)], budget
    )
    trial.until_all_ended(machines, [])
    for each in machines:
        each.end()
    posts = trial.simulator.posts() - before
    refused = sum(line.get("error") == "budget" for each in machines for line in each.said)
    good = posts == options.more and refused == options.more * (options.processes - 1)
    return "the last of the money is spent once", good, f"{posts} of {options.more} calls, {refused} refused"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vault", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--more", type=int, default=5, help="calls for which there is money left at the end")
    parser.add_argument("--hurry", type=float, default=1.0)
    parser.add_argument("--speed", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started, good = time.monotonic(), True
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for promise, kept, facts in run(options, Trial(options, Path(folder), stack)):
            good &= kept
            print(f"{promise}: {'ok' if kept else 'BROKEN'} ({facts})", flush=True)
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
