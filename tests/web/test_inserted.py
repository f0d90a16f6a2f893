"""What the sidebar and the commands add to a graph: beside what is there, as one step for Undo, kept beyond F5."""

import pytest
from playwright.sync_api import expect

from web.seeds import emptied, saved, seed
from web.sidebar import Sidebar

COUNT = "app.graph.nodes.length"
ADD = """([type, x, y]) => { const node = LiteGraph.createNode(type); node.pos = [x, y]; app.graph.add(node);
  app.canvas.emitBeforeChange(); app.canvas.emitAfterChange(); }"""
OVERLAP = """() => {
  const boxes = app.graph.nodes.map(({ pos, size }) => [pos[0], pos[1] - 30, pos[0] + size[0], pos[1] + size[1]]);
  return boxes.some((a, at) => boxes.slice(at + 1).some((b) =>
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]));
}"""
GROUPS = "(app.graph._groups ?? app.graph.groups).map((each) => [each.title, ...each.pos].join())"
SEEN = """() => { const bar = document.querySelector(".g4i-panel").getBoundingClientRect();
  const { scale, offset } = app.canvas.ds, box = app.canvas.canvas.getBoundingClientRect();
  return [...app.canvas.selectedItems].every(({ pos, size }) =>
    (pos[0] + offset[0]) * scale + box.left >= bar.right && (pos[0] + size[0] + offset[0]) * scale <= box.width
    && (pos[1] + offset[1]) * scale >= 0 && (pos[1] + size[1] + offset[1]) * scale <= box.height); }"""


@pytest.fixture
def vault(gateway_home):
    vault = emptied(gateway_home)
    seed(vault, saved(1, "a red fox"))
    return vault


@pytest.fixture
def bar(screen, vault):
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(1)
    return bar


def add_load_node(bar):
    bar.cards.first.get_by_role("button", name="Add a Load Paid Result node").click()


def undo(screen):
    screen.command("Comfy.Undo")


def count(screen, number):
    screen.page.wait_for_function(f"{COUNT} === {number}")


def test_load_nodes_lie_beside_each_other_and_are_one_step_each(screen, canvas, bar, screenshots):
    screen.page.evaluate(ADD, ["SaveImage", 300, 200])
    for number in (2, 3, 4):
        add_load_node(bar)
        count(screen, number)
    assert not screen.page.evaluate(OVERLAP)
    screen.page.screenshot(path=screenshots / "load_nodes.png")
    for number in (3, 2, 1, 0):
        undo(screen)
        count(screen, number)


def test_an_inserted_template_is_one_step_with_its_groups_in_sight(screen, canvas, bar, screenshots):
    screen.page.evaluate(ADD, ["SaveImage", 0, 0])
    screen.command("GPT4oImage.InsertSticker")
    screen.page.wait_for_function(f"{COUNT} > 4")
    assert not screen.page.evaluate(OVERLAP)
    assert screen.page.evaluate(GROUPS)
    screen.page.wait_for_function(SEEN)
    screen.page.screenshot(path=screenshots / "inserted.png")
    undo(screen)
    count(screen, 1)
    assert screen.page.evaluate(GROUPS) == []


def test_what_was_added_is_there_after_a_reload(screen, canvas, bar):
    add_load_node(bar)
    count(screen, 1)
    screen.page.wait_for_timeout(1500)  # front ends keep drafts after a pause
    screen.page.reload()
    screen.ready()
    count(screen, 1)
    value = screen.page.evaluate("app.graph.nodes[0].widgets[0].value")
    assert value == "seed-00000 | a red fox 0"


def test_a_load_node_shows_all_its_pictures_once(screen, canvas, gateway_home, screenshots):
    vault = emptied(gateway_home)
    seed(vault, [{"id": "three", "prompt": "three foxes", "stored": 3}])
    bar = Sidebar.open(screen)
    add_load_node(bar)
    images = screen.page.locator(".g4i-preview img")
    expect(images).to_have_count(3)
    for number in range(3):
        expect(images.nth(number)).to_have_js_property("naturalWidth", 48)
    screen.page.evaluate(
        """() => { const shown = LiteGraph.createNode("PreviewImage"); shown.pos = [1100, 100]; app.graph.add(shown);
        app.graph.nodes[0].connect(0, shown, 0); app.queuePrompt(0, 1); }"""
    )
    expect(screen.page.locator(".g4i-outcome").filter(visible=True)).to_contain_text("from the vault, $0: three")
    assert not screen.page.evaluate("app.graph.nodes[0].imgs?.length")
    screen.page.screenshot(path=screenshots / "loaded.png")
