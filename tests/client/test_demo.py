"""`gpt4o-image demo` on a machine without a ComfyUI; with one it is tests/host/test_demo.py."""

import os
import signal
import subprocess
import sys
import time

import pytest
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


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_while_comfyui_starts_ends_it_and_sends_nothing(tmp_path):
    """A ComfyUI that never answers: its process is ended too."""
    (tmp_path / "main.py").write_text(
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    named = {
        "COMFYUI_PATH": str(tmp_path),
        "COMFYUI_PYTHON": sys.executable,
        "GPT4O_IMAGE_HOME": str(tmp_path / "home"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gpt4o_image", "demo"],
        env=os.environ | named | {"GPT4O_IMAGE_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "pid").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "error: Interrupted before anything was sent."
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
