"""kill -9 at random moments: what had been sent is in the vault, what is stored is whole."""

import random
import subprocess
import sys
import time

import pytest
from PIL import Image

from gpt4o_image.simulator import Simulator
from gpt4o_image.vault.vault import Vault

KILLS = 6
# On an idle machine a run takes about 1.3 s from the POST to the last byte, most of it before the first link.
HALF_A_RUN_S = 0.7


def sent_links(simulator):
    return [record["path"] for record in simulator.requests() if record["method"] == "GET"]


@pytest.mark.slow
@pytest.mark.timeout(600)  # six interpreters, more than once each
@pytest.mark.skipif(sys.platform == "win32", reason="the moment of death is what is tested; kill is the same there")
def test_kill_at_any_moment(command_environment, tmp_path, shell_results):
    home = tmp_path / "home"
    dice = random.Random(4)
    with Simulator(speed=8) as simulator:
        for number in range(KILLS):
            posts, links = simulator.posts(), len(sent_links(simulator))
            process = subprocess.Popen(
                [sys.executable, "-m", "gpt4o_image", "generate", f"fox {number}", "--out", str(tmp_path / "out")],
                env=command_environment | {"GPT4O_IMAGE_BASE_URL": simulator.base_url},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while simulator.posts() == posts:
                time.sleep(0.005)
            # Every other one only dies once a picture is asked for, however busy this machine is.
            while number % 2 and len(sent_links(simulator)) == links and process.poll() is None:
                time.sleep(0.005)
            time.sleep(dice.uniform(0, HALF_A_RUN_S))
            process.kill()
            process.wait()

        results = Vault(home / "vault").results()
        assert len(results) == KILLS
        for result in results:
            known = {link.address for link in (*result.pictures, *result.links)}
            asked = {simulator.origin + path for path in sent_links(simulator)}
            mine = {file.url for file in result.files}
            assert mine <= known
            assert mine <= asked
            for file in result.files:
                with Image.open(file.path) as picture:
                    picture.load()
        # Whatever the simulator was asked for had been written down before.
        written = {link.address for result in results for link in (*result.pictures, *result.links)}
        assert {simulator.origin + path for path in sent_links(simulator)} <= written

        incomplete = [result for result in results if result.pictures and len(result.files) < len(result.pictures)]
        for result in incomplete:
            shell_results(simulator, "fetch", result.id)
        for result in Vault(home / "vault").results():
            assert len(result.files) == len(result.pictures)
        states = {bool(result.pictures) for result in results}
        assert states == {True, False}, "the kills were not spread over the run"


@pytest.fixture
def shell_results(command_environment):
    def run(simulator, *arguments):
        subprocess.run(
            [sys.executable, "-m", "gpt4o_image", "results", *arguments],
            env=command_environment | {"GPT4O_IMAGE_BASE_URL": simulator.base_url},
            check=True,
            capture_output=True,
        )

    return run
