"""Every template in the real front end: it opens without a complaint, and what Run would send runs to the end."""

import json

import pytest
from templates import GOES_ON, NEEDS_A_CHECKPOINT, STICKER, TEMPLATES, UPSCALER, at_the_quick_gateway, each_of, named

from gpt4o_image.command.headless import failure
from gpt4o_image.command.workflow import to_prompt
from web.screen import idle

CHECKPOINT = "checkpoints/v1-5-pruned-emaonly-fp16.safetensors"
# By then the front end has told of missing nodes and models: test_opening.py sees it tell.
SETTLED = "() => new Promise(done => requestIdleCallback(() => setTimeout(done, 500)))"


@pytest.fixture(scope="module")
def models(server, window, make_upscaler):
    """The files that two templates name, an upscaler that only doubles, to be quick, and an empty checkpoint.

    The checkpoint is there to be found; none is ever loaded.
    """
    folder = server.base_directory / "models"
    make_upscaler(folder / "upscale_models" / UPSCALER, 2)
    (folder / CHECKPOINT).parent.mkdir(parents=True, exist_ok=True)
    (folder / CHECKPOINT).touch()
    window.renew()


@pytest.fixture(scope="module")
def screen(opened, models, canvas):
    """One page for all templates of a canvas, as a person tries one after the other."""
    with opened({"Comfy.VueNodes.Enabled": canvas == "nodes2"}) as screen:
        yield screen


def opened_prompt(screen, template):
    """Opens the template; the API graph that Run would send, without titles and what the server never asked for.

    Front ends of 0.10.0 add widgets of their own to Preview Any.
    """
    screen.open_template(template.stem)
    screen.page.evaluate(SETTLED)
    declared = screen.server.object_info()
    return {
        node: {"class_type": sent["class_type"], "inputs": asked_for(sent["inputs"], declared[sent["class_type"]])}
        for node, sent in screen.prompt().items()
    }


def asked_for(inputs, info):
    """Those of a growing input are named like `references.image_01`."""
    names = {name for group in info["input"].values() for name in group}
    return {name: value for name, value in inputs.items() if name.split(".")[0] in names}


@each_of(TEMPLATES)
def test_it_opens_without_a_complaint(screen, screenshots, template):
    prompt = opened_prompt(screen, template)
    screen.page.screenshot(path=screenshots / "opened.png")
    assert screen.notices() == []
    assert screen.trouble.taken() == []

    declared = screen.server.object_info()
    for node in prompt.values():
        assert required(declared[node["class_type"]]) <= set(node["inputs"])
    assert prompt == to_prompt(json.loads(template.read_text("utf-8")), declared)


def required(info):
    """Inputs that a node cannot do without. A growing one is declared so even where none of its sockets is needed."""
    return {name for name, spec in info["input"].get("required", {}).items() if spec[0] != "COMFY_AUTOGROW_V3"}


@pytest.mark.parametrize("canvas", ["classic"], indirect=True)  # the prompts are the same on both
@each_of([template for template in TEMPLATES if template.stem != NEEDS_A_CHECKPOINT])
def test_what_run_would_send_runs_to_the_end(screen, template):
    prompt = at_the_quick_gateway(opened_prompt(screen, template))
    if template.stem == GOES_ON:  # it goes on from what was paid for before
        run(screen.server, at_the_quick_gateway(opened_prompt(screen, named(STICKER))))
    entry = run(screen.server, prompt)
    saved = [node for node in prompt if prompt[node]["class_type"] == "SaveImage"]
    assert saved
    for node in saved:
        assert entry["outputs"][node]["images"]


@pytest.mark.parametrize("canvas", ["classic"], indirect=True)
@each_of([template for template in TEMPLATES if template.stem == NEEDS_A_CHECKPOINT])
def test_what_needs_a_checkpoint_is_valid_at_least(screen, template):
    screen.server.submit(opened_prompt(screen, template))  # raises what ComfyUI has against it
    idle(screen.page, screen.server.origin)


def run(server, prompt):
    entry = server.wait(server.submit(prompt), timeout_s=240)
    assert failure(entry) is None
    return entry
