"""Several machines on one vault, in small. By hand it is eight with fifty requests each: `python tests/machines`."""

import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ("--processes", "2", "--requests", "4", "--kills", "1", "--restarts", "1", "--more", "2", "--hurry", "10")
PROMISES = 8


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it kills, and starts a PostgreSQL where one is found")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("vault", ["sqlite", "postgresql"])
def test_machines_that_die_pay_once_and_lose_nothing(vault, request):
    if vault == "postgresql":
        request.getfixturevalue("postgres")  # skips where there is none
    command = [sys.executable, str(Path(__file__).parent), "--vault", vault, "--speed", "10", *SMALL]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    assert done.stdout.count(": ok (") == PROMISES
