"""Each fuzzer for a minute. A crash shows its input as base64: make a unit test of it, then repair the code."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
SECONDS = 60
LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1")
FEWEST_RUNS = 100  # a fuzzer that stands still has found nothing either

needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None,
    reason="FUZZING NEEDS ATHERIS, which has wheels for Linux on x86_64 alone: the fuzzers did not run here",
)


def fuzz(script, dictionary, corpora, tmp_path):
    """What the fuzzer said, the statistics as numbers."""
    new = tmp_path / "new"
    new.mkdir()
    arguments = [new, *corpora, f"-dict={dictionary}", f"-artifact_prefix={tmp_path}/", *LIMITS]
    done = subprocess.run(
        [sys.executable, HERE / script, *map(str, arguments), f"-max_total_time={SECONDS}"],
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS + 180,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    stats = (line.removeprefix("stat::").split(":") for line in done.stderr.splitlines() if line.startswith("stat::"))
    return {name: int(number) for name, number in stats}


@needs_atheris
@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize(
    ("script", "dictionary", "corpora"),
    [
        ("fuzz_stream.py", "stream.dict", ("streams", "fuzz/streams")),
        ("fuzz_picture.py", "picture.dict", ("fuzz/pictures",)),
    ],
)
def test_no_input_breaks_it(script, dictionary, corpora, tmp_path):
    folders = [FIXTURES / corpus for corpus in corpora]
    stats = fuzz(script, FIXTURES / "fuzz" / dictionary, folders, tmp_path)
    print(f"{script}: {stats}")
    assert stats["number_of_executed_units"] > FEWEST_RUNS
