"""The blueprint "Upscale, keep transparency": found by its name, put into a graph, wired, run."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

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


@pytest.fixture
def files(server, make_upscaler):
    """A small picture, half of it transparent, and an upscale model."""
    make_upscaler(server.base_directory / "models" / "upscale_models" / MODEL, 2)
    picture = Image.new("RGBA", SIZE, (230, 120, 40, 255))
    picture.paste((0, 0, 0, 0), (0, 0, SIZE[0] // 2, SIZE[1]))
    picture.save(server.base_directory / "input" / PICTURE)


@pytest.mark.usefixtures("files")
def test_it_is_found_wired_and_run(screen, canvas, screenshots):
    page = screen.page
    page.mouse.dblclick(700, 450)
    page.keyboard.type(NAME)
    found = page.get_by_role("option").filter(has_text=NAME)
    expect(found.first).to_be_visible()
    page.screenshot(path=screenshots / "found.png")
    found.first.click()
    page.wait_for_function("window.app.graph.nodes.length === 1")
    page.mouse.click(500, 300)  # newer front ends let the node follow the mouse until then
    assert page.evaluate("window.app.graph.nodes[0].title") == NAME

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
