"""The main job in one command, and every template: both start from what users start from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gpt4o_image.workflow import to_prompt

TEMPLATES = sorted((Path(__file__).parents[2] / "example_workflows").glob("*.json"))


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


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_only_what_this_comfyui_has(host, template):
    workflow = json.loads(template.read_text("utf-8"))
    graph = to_prompt(workflow, host.server.object_info())
    assert any(node["class_type"].startswith("GPT4oImage_") for node in graph.values())
    for node in graph.values():
        assert node["inputs"].get("gateway", "simulator") == "simulator"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_a_small_thumbnail_and_no_path(template):
    text = template.read_text("utf-8")
    assert template.stem.isascii()
    assert not any(mark in text for mark in ("sk-", "/home/", "/root/", "C:\\\\", "/tmp/"))
    thumbnail = template.with_suffix(".jpg")
    assert 0 < thumbnail.stat().st_size <= 200 * 1024
    with Image.open(thumbnail) as picture:
        assert picture.format == "JPEG"
