"""The soak for less than a minute, without ComfyUI. By hand it runs for ten: `python tests/soak`."""

import subprocess
import sys
from pathlib import Path

import pytest

MINUTES = 0.7
PROMISES = (
    "POSTs = runs",
    "one request is bought once",
    "nobody waits for a dead run",
    "a row before each POST",
    "each link is in the vault",
    "each picture is in the vault",
    "each file opens",
    "a run ends in a value",
    "memory, threads and descriptors are level",
    "everybody ends when told to",
)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc, and mounts small disks where it may")
@pytest.mark.timeout(600)
def test_every_promise_is_kept_while_all_goes_wrong():
    done = subprocess.run(
        [sys.executable, Path(__file__).parent, "--minutes", str(MINUTES), "--no-comfyui"],
        check=False,
        capture_output=True,
        text=True,
        timeout=540,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    kept = [line for line in done.stdout.splitlines() if ": ok (" in line]
    assert [promise for promise in PROMISES if not any(line.startswith(promise) for line in kept)] == []
