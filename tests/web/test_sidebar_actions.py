"""The actions on a paid result in the sidebar: nodes, graphs, copies, fetching again."""

from playwright.sync_api import expect

from gpt4o_image.vault.sqlite import SqliteDatabase
from web.seeds import saved, seed
from web.sidebar import Sidebar, forgive, run

GRAPH = {
    "id": "6f0ee6a0-5f6c-4f4e-9d0e-6d3a0e7a1b11",
    "revision": 0,
    "last_node_id": 7,
    "last_link_id": 0,
    "nodes": [{"id": 7, "type": "EmptyImage", "pos": [10, 10], "size": [270, 130], "flags": {}, "order": 0, "mode": 0,
               "inputs": [], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": None}], "properties": {},
               "widgets_values": [64, 64, 1, 255]}],
    "links": [], "groups": [], "config": {}, "extra": {}, "version": 0.4,
}  # fmt: skip
TYPES = "app.graph.nodes.map((node) => node.type)"
ADDED = """() => {
  const [node] = app.graph.nodes, combo = node.widgets.find((widget) => widget.name === "result");
  const { scale, offset } = app.canvas.ds;
  return {
    type: node.type, value: combo.value, offered: combo.options.values.includes(combo.value),
    selected: app.canvas.selectedItems.has(node),
    middle: [0, 1].map((axis) => (node.pos[axis] + node.size[axis] / 2 + offset[axis]) * scale),
  };
}"""
THUMBNAIL = "document.querySelector('.g4i-thumbnail img')?.naturalWidth > 0"
LOADED = f"{TYPES}.join() === 'EmptyImage'"


def button(bar, words, name):
    return bar.card(words).get_by_role("button", name=name)


def test_a_load_node_is_added_in_sight_and_runs(screen, canvas, vault, screenshots):
    bar = Sidebar.open(screen)
    prompt = run(screen, "a paper crane")
    expect(bar.card("crane").locator(".g4i-state")).to_have_text("Saved", timeout=60_000)
    screen.page.evaluate("app.graph.clear()")
    button(bar, "crane", "Add a Load Paid Result node").click()
    node = screen.page.evaluate(ADDED)
    [result_id] = [entry.id for entry in vault.results()]
    assert node["type"] == "GPT4oImage_LoadResult"
    assert node["value"] == f"{result_id} | {prompt}"
    assert node["offered"]
    assert node["selected"]
    seen = bar.panel.bounding_box()
    assert seen["x"] + seen["width"] < node["middle"][0] < screen.page.viewport_size["width"]
    assert screen.prompt()["1"]["inputs"] == {"result": node["value"]}
    screen.page.evaluate(
        """() => { const shown = LiteGraph.createNode("PreviewImage"); app.graph.add(shown);
        app.graph.nodes[0].connect(0, shown, 0); app.queuePrompt(0, 1); }"""
    )
    screen.page.wait_for_function("Object.values(app.nodeOutputs ?? {}).some((each) => each.images?.length)")
    screen.page.screenshot(path=screenshots / "loaded.png")


def test_copying_puts_the_whole_prompt_and_every_link_on_the_clipboard(screen, vault):
    long = "a very long wall " * 40
    links = ["https://example.com/1.png", "https://example.com/2.png"]
    seed(vault, [{"id": "copied", "prompt": long, "stored": 2, "links": links}])
    screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bar = Sidebar.open(screen)
    clipboard = "navigator.clipboard.readText()"
    button(bar, "wall", "Copy the prompt").click()
    expect(screen.page.get_by_text("Copied", exact=True).first).to_be_visible()
    assert screen.page.evaluate(clipboard) == long
    button(bar, "wall", "Copy the links").click()
    screen.page.wait_for_function(
        "async (text) => (await navigator.clipboard.readText()) === text", arg="\n".join(links)
    )


def test_without_a_clipboard_the_text_is_shown_to_be_copied_by_hand(screen, vault):
    seed(vault, saved(1, "a bare wall"))
    bar = Sidebar.open(screen)
    screen.page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
    )  # as on a LAN without TLS
    button(bar, "wall", "Copy the prompt").click()
    dialog = screen.page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    assert dialog.get_by_role("textbox").input_value() == "a bare wall 0"
    assert screen.page.evaluate("document.activeElement.selectionEnd") == len("a bare wall 0")
    screen.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button(bar, "wall", "Copy the prompt")).to_be_focused()


def test_fetching_again_brings_a_picture_that_never_arrived(screen, vault):
    bar = Sidebar.open(screen)
    run(screen, "a lost kite")
    expect(bar.card("kite").locator(".g4i-state")).to_have_text("Saved", timeout=60_000)
    screen.page.wait_for_function(THUMBNAIL)
    with SqliteDatabase(vault.folder / "vault.sqlite3").writing() as db:
        db.execute("DELETE FROM files")
        db.execute("UPDATE results SET holds = 'links'")
    bar.search("kite")
    expect(bar.card("kite").locator(".g4i-state")).to_have_text("Links only")
    button(bar, "kite", "Fetch what is missing").click()
    expect(bar.card("kite").locator(".g4i-state")).to_have_text("Saved")
    screen.page.wait_for_function(THUMBNAIL)
    expect(button(bar, "kite", "Fetch what is missing")).to_be_hidden()


def test_a_fetch_that_fails_says_so_and_may_be_tried_again(screen, vault):
    seed(vault, [{"id": "gone", "prompt": "a gone moon", "links": ["https://127.0.0.1/moon.png"]}])
    bar = Sidebar.open(screen)
    with screen.page.expect_response("**/fetch") as answer:
        button(bar, "moon", "Fetch what is missing").click()
    assert answer.value.json()["state"] == "links"
    expect(button(bar, "moon", "Fetch what is missing")).to_be_enabled()


def test_the_graph_of_a_result_is_opened_by_its_button(screen, canvas, vault):
    seed(vault, [saved(1)[0] | {"graph": GRAPH}])
    bar = Sidebar.open(screen)
    before = screen.page.evaluate("app.extensionManager.workflow.openWorkflows.length")
    button(bar, "picture", "Open its graph").click()
    screen.page.wait_for_function(LOADED)
    assert screen.page.evaluate("app.extensionManager.workflow.openWorkflows.length") == before + 1


def test_a_card_dropped_on_the_canvas_opens_its_graph(screen, canvas, vault, screenshots):
    seed(vault, [saved(1)[0] | {"graph": GRAPH}])
    bar = Sidebar.open(screen)
    bar.card("picture").locator(".g4i-prompt").drag_to(
        screen.page.locator("#graph-canvas"), target_position={"x": 800, "y": 500}
    )
    screen.page.wait_for_function(LOADED)
    screen.page.screenshot(path=screenshots / "dropped.png")
    name = screen.page.evaluate("app.extensionManager.workflow.activeWorkflow.filename")
    assert name == "seed-00000"
    assert screen.page.evaluate("app.extensionManager.workflow.activeWorkflow.path") == "workflows/seed-00000.json"
    forgive(screen, "Pointer cancel!")  # said by the canvas of every drag across it


def test_a_result_without_a_graph_is_not_dragged(screen, vault):
    seed(vault, saved(1))
    bar = Sidebar.open(screen)
    assert bar.cards.first.get_attribute("draggable") is None


# -- Load Paid Result shows what it will give --------------------------------------------------------

INSIDE = """() => {
  const [node] = app.graph.nodes, box = document.querySelector(".g4i-preview").getBoundingClientRect();
  const [, bottom] = app.canvasPosToClientPos([node.pos[0], node.pos[1] + node.size[1]]);
  return box.height > 0 && box.bottom <= bottom + 1;
}"""
PREVIEW = ".g4i-preview img"


def load_node(screen, value="latest"):
    screen.page.evaluate(
        """(value) => { const node = app.graph.add(LiteGraph.createNode("GPT4oImage_LoadResult"));
        node.pos = [200, 100];
        const combo = node.widgets.find((w) => w.name === "result"); combo.value = value; combo.callback(value); }""",
        value,
    )


def test_the_load_node_shows_its_result_and_follows_the_choice(screen, canvas, vault, screenshots):
    seed(vault, saved(3))
    load_node(screen)
    image = screen.page.locator(PREVIEW)
    expect(image).to_have_attribute("src", "/api/gpt4o_image/results/seed-00002/pictures/0/thumbnail")
    expect(image).to_have_js_property("naturalWidth", 48)
    screen.page.wait_for_function(INSIDE)
    screen.page.evaluate(
        """() => { const combo = app.graph.nodes[0].widgets.find((w) => w.name === "result");
        combo.value = "seed-00000 | picture number 0"; combo.callback(combo.value); }"""
    )
    expect(image).to_have_attribute("src", "/api/gpt4o_image/results/seed-00000/pictures/0/thumbnail")
    screen.page.screenshot(path=screenshots / "preview.png")


def test_a_loaded_graph_shows_its_result_and_is_saved_as_it_was(screen, canvas, vault):
    seed(vault, saved(2))
    load_node(screen, "seed-00000 | picture number 0")
    saved_graph = screen.page.evaluate("JSON.parse(JSON.stringify(app.graph.serialize()))")
    assert saved_graph["nodes"][0]["widgets_values"] == ["seed-00000 | picture number 0"]
    assert screen.prompt()["1"]["inputs"] == {"result": "seed-00000 | picture number 0"}
    screen.load(saved_graph)
    expect(screen.page.locator(PREVIEW)).to_have_attribute(
        "src", "/api/gpt4o_image/results/seed-00000/pictures/0/thumbnail"
    )
    again = screen.page.evaluate("JSON.parse(JSON.stringify(app.graph.serialize()))")
    assert again["nodes"][0]["widgets_values"] == saved_graph["nodes"][0]["widgets_values"]
    offered = "app.graph.nodes[0].widgets[0].options.values"
    assert "seed-00000 | picture number 0" in screen.page.evaluate(offered)
    screen.command("Comfy.RefreshNodeDefinitions")
    screen.page.wait_for_function(f"{offered}.includes('seed-00000 | picture number 0')")


def test_latest_follows_a_new_result(screen, canvas, vault):
    load_node(screen)
    expect(screen.page.locator(".g4i-preview p")).to_have_text("No such result here")
    run(screen, "a new comet")
    expect(screen.page.locator(PREVIEW).first).to_be_visible(timeout=60_000)
    [entry] = vault.results()
    expect(screen.page.locator(PREVIEW).first).to_have_attribute(
        "src", f"/api/gpt4o_image/results/{entry.id}/pictures/0/thumbnail"
    )
