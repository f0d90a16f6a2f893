"""The example workflows, as the tests of the host and of the front end run them."""

from pathlib import Path

import pytest

TEMPLATES = sorted((Path(__file__).parents[1] / "example_workflows").glob("*.json"))
STICKER = "01 Sticker with a transparent background"
LIST = "07 List of prompts"
CSV = "08 Products from a CSV with one reference"
GOES_ON = "09 Go on from a paid picture"
NEEDS_AN_UPSCALER = "11 Four times as large with an upscale model"
NEEDS_A_CHECKPOINT = "12 Upscale and refine with a checkpoint"
UPSCALER = "RealESRGAN_x4plus.pth"  # the file that it names


def named(stem):
    """The template of this name."""
    (template,) = [template for template in TEMPLATES if template.stem == stem]
    return template


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
