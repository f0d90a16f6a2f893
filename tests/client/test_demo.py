"""`gpt4o-image demo` on a machine without a ComfyUI; with one it is tests/host/test_demo.py."""

import os
import subprocess
import sys

from PIL import Image


def test_without_a_comfyui_the_picture_is_made_all_the_same(tmp_path):
    hidden = ("COMFYUI_", "OPENAI_", "AIHUBMIX_", "GPT4O_IMAGE_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "GPT4O_IMAGE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "gpt4o_image", "demo", "--out", str(tmp_path / "out")],
        env=environ | home,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "COMFYUI_PATH" in done.stderr
    with Image.open(done.stdout.strip()) as picture:
        assert picture.mode == "RGBA"
        assert picture.getchannel("A").getextrema() == (0, 255)
