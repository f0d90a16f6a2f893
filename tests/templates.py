"""The example workflows, as the tests of the host and of the front end run them."""

from pathlib import Path

import pytest

TEMPLATES = sorted((Path(__file__).parents[1] / "example_workflows").glob("*.json"))
NEEDS_A_CHECKPOINT = "upscale_and_refine"
NEEDS_AN_UPSCALER = "transparent_upscale_model"
UPSCALER = "RealESRGAN_x4plus.pth"  # the file that it names


def each_of(templates):
    """Runs a test once for each of these files."""
    return pytest.mark.parametrize("template", templates, ids=lambda path: path.stem)


def at_the_quick_gateway(prompt):
    """The tests' simulator instead of the same one that a user waits ten seconds for."""
    for node in prompt.values():
        if "gateway" in node["inputs"]:
            assert node["inputs"]["gateway"] == "simulator"
            node["inputs"]["gateway"] = "aihubmix"
    return prompt
