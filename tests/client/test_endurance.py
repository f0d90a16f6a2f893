"""Many runs with random faults: one POST each, every delivered picture kept, nothing leaks."""

import gc
import random
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gpt4o_image.gateway.config import Config

RUNS = 200
FAULTS = [
    "ok_b_en_two",
    "ok_n1",
    "ok_data_url",
    "one_chunk",
    "partial_n",
    "ok_only_100",
    "bad_json_chunk",
    "bad_utf8_chunk",
    "cut_after_progress",
    "cut_after_first_image",
    "cut_inside_url",
    "tcp_reset_mid_chunk",
    "drop_before_headers",
    "drop_after_headers",
    "end_without_done",
    "missing_last_blank_line",
    "fail_input_moderation_zh",
    "fail_after_images",
    "refusal_policy",
    "plan_limit_text",
    "sse_error_object_after",
    "http200_html",
    "http200_json_completion",
    "http_400",
    "http_401",
    "http_429",
    "http_500",
    "http_502_html",
    "http_307",
    "download_403_then_alt",
    "download_one_fails",
    "download_all_fail",
    "download_html_200",
]


def open_files():
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_runs(run, simulator):
    dice = random.Random(7)
    run(f"warm up [[{FAULTS[0]}]]")
    names = [dice.choice(FAULTS) for _ in range(RUNS)]
    config = Config(run.home / "config.toml", timeout_s=20)

    def one(number):
        # The smallest pictures there are: what counts here are the runs.
        outcome = run(f"number {number} [[{names[number]}]]", config=config, seed=number, aspect_ratio="1:1")
        return outcome.result_id, len(outcome.pictures)

    def some(numbers):
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, numbers))

    half = RUNS // 2
    results = some(range(half))
    gc.collect()
    tracemalloc.start()
    files, threads = open_files(), threading.active_count()
    some(range(half, half + 10))
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    results += some(range(half + 10, RUNS))
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert simulator.posts() == RUNS + 1
    for result_id, pictures in results:
        result = run.vault.result(result_id)
        assert result.status != "running"
        assert len(result.files) >= pictures
    delivered = {
        record["path"]
        for record in simulator.requests()
        if record["method"] == "GET" and record["status"] == 200 and record["finished"]
    }
    kept = {urlsplit(file.url).path for e in run.vault.results() for file in e.files if file.url}
    # A page in the place of a picture is delivered, but is none.
    assert delivered - kept == {path for path in delivered if "[[download_html_200]]" in prompt_of(run, path)}
    assert open_files() <= files + 4
    assert threading.active_count() <= threads + 4
    assert grown < 30 * 2**20  # what the simulator keeps of its last requests and pictures, and no more


def prompt_of(run, path):
    """The prompt of the run that a link belongs to."""
    return next(
        result.prompt
        for result in run.vault.results()
        for link in (*result.pictures, *result.links)
        if urlsplit(link.address).path == path
    )


@pytest.mark.parametrize("again", ["paid", "from the vault", "fetched again"])
def test_pictures_are_let_go_of_without_a_search_for_cycles(run, again):
    """Python may not search for minutes, and the pixels of a run are tens of megabytes."""
    if again != "paid":
        run("a fox")
    if again == "fetched again":
        for file in run.vault.results()[0].files:
            file.path.unlink()
    gc.collect()
    gc.disable()
    try:
        pictures = [weakref.ref(picture.decoded) for picture in run("a fox").pictures]
        assert len(pictures) == 2
        run.notices.clear()
        deadline = time.monotonic() + 10  # the download's thread may be on its last line
        while any(picture() for picture in pictures):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        gc.enable()
