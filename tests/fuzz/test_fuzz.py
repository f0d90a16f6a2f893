"""Each fuzzer for half a minute. A crash shows its input as base64: make a unit test of it, then repair the code."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from answer_shapes import SHAPES

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
SECONDS = 30
LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1")
FEWEST_RUNS = 100  # a fuzzer that stands still has found nothing either

needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None,
    reason="no atheris here; it has wheels for Linux on x86_64 alone",
)


# script: its dictionary, its corpora
FUZZERS = {
    "fuzz_stream.py": ("stream.dict", ("streams", "fuzz/streams")),
    "fuzz_picture.py": ("picture.dict", ("fuzz/pictures",)),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """All at once, a process each, so that their minutes are one."""
    processes = {script: start(script, tmp_path_factory.mktemp("fuzz")) for script in FUZZERS}
    yield processes
    for process, _ in processes.values():
        process.kill()
        process.wait()


def start(script, folder):
    dictionary, corpora = FUZZERS[script]
    new = folder / "new"
    new.mkdir()
    if script == "fuzz_stream.py":
        for number, shape in enumerate(SHAPES.values()):
            (new / f"shape-{number}").write_bytes(shape.body)
    folders = [new, *(FIXTURES / corpus for corpus in corpora)]
    arguments = [*folders, f"-dict={FIXTURES / 'fuzz' / dictionary}", f"-artifact_prefix={folder}/", *LIMITS]
    told = folder / "told"
    with told.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, HERE / script, *map(str, arguments), f"-max_total_time={SECONDS}"],
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            stdout=output,
            stderr=output,
        )
    return process, told


@pytest.mark.slow
@pytest.mark.xdist_group("fuzz")  # in one process, which starts them all
@needs_atheris
@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("script", FUZZERS)
def test_no_input_breaks_it(running, script):
    process, told = running[script]
    status = process.wait(SECONDS + 180)
    said = told.read_text("utf-8", "replace")
    assert status == 0, said[-6000:]
    stats = (line.removeprefix("stat::").split(":") for line in said.splitlines() if line.startswith("stat::"))
    runs = {name: int(number) for name, number in stats}["number_of_executed_units"]
    print(f"{script}: {runs} runs")
    assert runs > FEWEST_RUNS
