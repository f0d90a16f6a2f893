"""The main job in one command."""

import os
import subprocess
import sys

from PIL import Image


def test_the_demo_runs_a_workflow_in_this_comfyui(comfyui, tmp_path):
    named = {"COMFYUI_PATH": str(comfyui.path), "COMFYUI_PYTHON": str(comfyui.python)}
    done = subprocess.run(
        [sys.executable, "-m", "gpt4o_image", "demo", "--out", str(tmp_path / "out")],
        env=os.environ | named | {"GPT4O_IMAGE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"Starting ComfyUI {comfyui.version}" in done.stderr
    with Image.open(done.stdout.strip()) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (1024, 1024))
        assert picture.getchannel("A").getextrema() == (0, 255)
