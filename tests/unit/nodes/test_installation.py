"""One sentence for a folder that ComfyUI cannot serve, and for a second copy of the pack."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("installation_under_test", ROOT / "nodes" / "installation.py")
installation = importlib.util.module_from_spec(spec)
spec.loader.exec_module(installation)


@pytest.mark.parametrize(
    "name", ["gpt4o-image", "comfyui-gpt4o-image", "GPT4o_Image", "gpt4o-image-main", "a+b", "a(1)"]
)
def test_names_that_are_served(name):
    assert installation.folder_problem(name) is None


@pytest.mark.parametrize(
    "name", ["gpt4o image", "gpt4o-image-0.1.0", "\u753b\u50cf", "caf\u00e9", "a%20b", "a#b", "a?b", "[b]", "{b}", ""]
)
def test_names_that_are_not(name):
    message = installation.folder_problem(name)
    assert f'"{name}"' in message
    assert "rename the folder to gpt4o-image" in message


def test_a_second_copy():
    first, second = Path("custom_nodes/a"), Path("custom_nodes/b")
    assert installation.twin_problem(first, None) is None
    assert installation.twin_problem(first, first) is None
    assert installation.twin_problem(second, first).startswith(f"The pack is installed twice: {first} is used")
