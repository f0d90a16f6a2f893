"""The blueprints: found by their names, put into a graph, wired, run."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect
from templates import at_the_quick_gateway

from gpt4o_image.command.headless import failure

NAME = "Upscale, keep transparency"
MODEL, PICTURE, SIZE = "blueprint_x2.pth", "blueprint.png", (96, 64)
# The wires that a user would draw; the subgraph's node is the only one that is there already.
WIRE = """([modelName, image]) => {
    const graph = window.app.graph;
    const upscale = graph.nodes[0];
    const add = (type, pos, values = {}) => {
        const node = window.LiteGraph.createNode(type);
        node.pos = pos;
        graph.add(node);
        for (const [name, value] of Object.entries(values))
            node.widgets.find(each => each.name === name).value = value;
        return node;
    };
    const wire = (from, output, to, input) => from.connect(from.findOutputSlot(output), to, to.findInputSlot(input));
    const [x, y] = upscale.pos;
    const loaded = add("LoadImage", [x - 400, y], {image});
    wire(loaded, "IMAGE", upscale, "image");
    wire(loaded, "MASK", upscale, "mask");
    const model = add("UpscaleModelLoader", [x - 400, y + 420], {model_name: modelName});
    wire(model, "UPSCALE_MODEL", upscale, "upscale_model");
    wire(upscale, "image", add("SaveImage", [x + 400, y]), "images");
}"""
WIRE_ONE = """image => {
    const graph = window.app.graph;
    const paid = graph.nodes[0];
    const [x, y] = paid.pos;
    const add = (type, left) => {
        const node = window.LiteGraph.createNode(type);
        node.pos = [left, y];
        graph.add(node);
        return node;
    };
    const slot = paid.inputs.findIndex(each => each.name === "image");
    if (slot >= 0) {
        const loaded = add("LoadImage", x - 400);
        loaded.widgets.find(each => each.name === "image").value = image;
        loaded.connect(0, paid, slot);
    }
    paid.connect(paid.findOutputSlot("image"), add("SaveImage", x + 500), 0);
    return paid.widgets.map(each => each.name);
}"""


@pytest.fixture
def files(server, make_upscaler):
    """A small picture, half of it transparent, and an upscale model."""
    make_upscaler(server.base_directory / "models" / "upscale_models" / MODEL, 2)
    picture = Image.new("RGBA", SIZE, (230, 120, 40, 255))
    picture.paste((0, 0, 0, 0), (0, 0, SIZE[0] // 2, SIZE[1]))
    picture.save(server.base_directory / "input" / PICTURE)


def add(screen, name, screenshots):
    """From the search that a double click on the canvas opens."""
    screen.spoiled = True  # on a page that is put back the search does not open again
    page = screen.page
    page.mouse.dblclick(700, 450)
    page.keyboard.type(name)
    found = page.get_by_role("option").filter(has_text=name)
    expect(found.first).to_be_visible()
    page.screenshot(path=screenshots / "found.png")
    found.first.click()
    page.wait_for_function("window.app.graph.nodes.length === 1")
    page.mouse.click(500, 300)  # newer front ends let the node follow the mouse until then
    assert page.evaluate("window.app.graph.nodes[0].title") == name


@pytest.mark.usefixtures("files")
def test_it_is_found_wired_and_run(screen, canvas, screenshots):
    page = screen.page
    add(screen, NAME, screenshots)
    page.evaluate(WIRE, [MODEL, PICTURE])
    page.screenshot(path=screenshots / "wired.png")
    prompt = screen.prompt()
    entry = screen.server.wait(screen.server.submit(prompt), timeout_s=240)
    assert failure(entry) is None
    (saver,) = [node for node in prompt if prompt[node]["class_type"] == "SaveImage"]
    (file,) = entry["outputs"][saver]["images"]
    with Image.open(io.BytesIO(screen.server.view(file["filename"], file["subfolder"], file["type"]))) as large:
        assert (large.mode, large.size) == ("RGBA", (2 * SIZE[0], 2 * SIZE[1]))
        assert large.getpixel((10, SIZE[1]))[3] == 0
        assert large.getpixel((2 * SIZE[0] - 10, SIZE[1])) == pytest.approx((230, 120, 40, 255), abs=1)
    assert screen.notices() == []


@pytest.mark.slow
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("name", "mode"), [("Sticker with a transparent background", "RGBA"), ("Restyle a photo", "RGB")]
)
def test_one_that_pays_shows_its_inputs_and_runs(screen, screenshots, name, mode):
    add(screen, name, screenshots)
    shown = screen.page.evaluate(WIRE_ONE, PICTURE)
    assert {"prompt", "model", "seed", "gateway"} <= set(shown)
    screen.page.screenshot(path=screenshots / "wired.png")
    prompt = at_the_quick_gateway(screen.prompt())
    entry = screen.server.wait(screen.server.submit(prompt), timeout_s=240)
    assert failure(entry) is None
    (paid,) = [node["inputs"] for node in prompt.values() if node["class_type"] == "GPT4oImage_Generate"]
    assert ("references.image_01" in paid) == (mode == "RGB")
    (saver,) = [node for node in prompt if prompt[node]["class_type"] == "SaveImage"]
    (file,) = entry["outputs"][saver]["images"]
    with Image.open(io.BytesIO(screen.server.view(file["filename"], file["subfolder"], file["type"]))) as picture:
        assert picture.mode == mode
    assert screen.notices() == []
