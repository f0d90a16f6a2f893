"""How a run ended, on the node and without a click: the line that stays, the notice of a failure, the pictures."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from web.sidebar import Sidebar

RUN = """([type, values]) => {
  const node = LiteGraph.createNode(type), shown = LiteGraph.createNode("PreviewImage");
  node.pos = [40, 120];
  shown.pos = [620, 120];
  app.graph.add(node);
  app.graph.add(shown);
  node.connect(0, shown, 0);
  for (const widget of node.widgets) if (widget.name in values) widget.value = values[widget.name];
  app.queuePrompt(0, 1);
}"""
AGAIN = """values => {
  for (const widget of app.graph.nodes[0].widgets) if (widget.name in values) widget.value = values[widget.name];
  app.queuePrompt(0, 1);
}"""
# How many are there and loaded: on the classic canvas they are drawn, in Nodes 2.0 they are elements.
PICTURES = """() => {
  const node = app.graph.nodes[0];
  if (!LiteGraph.vueNodesMode) return node.imgs?.length ?? 0;
  const images = [...document.querySelectorAll(`[data-node-id='${node.id}'] img`)];
  return images.filter((each) => each.naturalWidth).length;
}"""
GENERATE = "GPT4oImage_Generate"


@pytest.fixture
def line(screen):
    """The line on the node, where there is one."""
    return screen.page.locator(".g4i-outcome").filter(visible=True)


@pytest.fixture
def notice(screen):
    return screen.page.locator(".g4i-notice")


def new(words):
    """A prompt that was never sent before."""
    return f"{words} {uuid.uuid4().hex[:8]}"


def run(screen, words, node=GENERATE, **values):
    screen.page.evaluate(RUN, [node, {"prompt": new(words), "gateway": "aihubmix", **values}])


def again(screen, **values):
    screen.page.evaluate(AGAIN, values)


def settled(screen):
    """Nothing runs any more."""
    screen.page.wait_for_function("app.ui.lastQueueSize === 0")


def pictures(screen):
    return screen.page.evaluate(PICTURES)


@pytest.mark.every_view
def test_what_was_saved_stays_beyond_a_reload_and_goes_with_the_next_run(screen, canvas, vault, line, screenshots):
    run(screen, "two foxes", count="2")
    expect(line).to_have_text(re.compile(r"^saved \S+, \$0\.009, \d+ s$"))
    [result] = vault.results()
    expect(line).to_contain_text(result.id)
    screen.page.wait_for_function(f"({PICTURES})() >= 2")
    assert not screen.page.evaluate("app.graph.nodes[0].widgets.some((each) => each.name.includes('text-preview'))")
    assert line.evaluate("each => each.scrollHeight <= each.clientHeight + 1")
    screen.page.screenshot(path=screenshots / "saved.png")
    screen.page.reload()
    screen.ready()
    expect(line).to_contain_text(result.id)
    again(screen, prompt=new("[[slow]] a snail"))
    expect(line).to_have_count(0)
    screen.page.request.post(f"{screen.server.origin}/interrupt", data={})
    expect(line).to_have_text(re.compile("You cancelled"))


def test_a_workflow_that_is_opened_again_has_its_lines(screen, vault, line):
    run(screen, "a fox to come back to")
    expect(line).to_contain_text("saved")
    graph = screen.page.evaluate("JSON.parse(JSON.stringify(app.graph.serialize()))")
    screen.command("Comfy.NewBlankWorkflow")
    expect(line).to_have_count(0)
    screen.load(graph)
    expect(line).to_contain_text("saved")
    assert screen.page.evaluate("app.graph.serialize().nodes[0].widgets_values") == graph["nodes"][0]["widgets_values"]


@pytest.mark.every_view
def test_what_came_from_the_vault_says_so(screen, canvas, vault, line, screenshots):
    run(screen, "a fox for two")
    expect(line).to_contain_text("saved")
    prompt = screen.page.evaluate("app.graph.nodes[0].widgets.find((each) => each.name === 'prompt').value")
    screen.page.evaluate(RUN, [GENERATE, {"prompt": prompt, "gateway": "aihubmix"}])
    expect(line.filter(has_text=re.compile(r"^from the vault, \$0: \S+$"))).to_have_count(1)
    expect(line).to_have_count(2)
    screen.page.screenshot(path=screenshots / "reused.png")


@pytest.mark.every_view
def test_fewer_pictures_than_asked_for_are_counted(screen, canvas, vault, line, screenshots):
    run(screen, "[[partial_n]] four foxes")
    expect(line).to_contain_text("3 of 4 pictures, $0.009, see report")
    screen.page.wait_for_function(f"({PICTURES})() >= 3")
    screen.page.screenshot(path=screenshots / "partly.png")


@pytest.mark.every_view
def test_a_failure_has_its_bill_first_and_no_older_picture(screen, canvas, vault, line, notice, screenshots):
    run(screen, "a fox before", count="1")
    expect(line).to_contain_text("saved")
    screen.page.wait_for_function(f"({PICTURES})() === 1")
    settled(screen)
    again(screen, prompt=new("[[fail_en]] a film"))
    expect(line).to_have_text("BILLED: Moderation stopped the prompt")
    screen.page.wait_for_function(f"({PICTURES})() === 0")
    expect(notice).to_have_attribute("role", "alert")
    expect(notice.locator(".g4i-bill")).to_have_text("BILLED")
    expect(notice).to_contain_text("Moderation stopped the prompt")
    expect(notice.locator("blockquote")).to_contain_text("Generation failed")
    expect(notice.locator(".g4i-message")).to_contain_text("then run again")
    screen.page.screenshot(path=screenshots / "failed.png")
    notice.get_by_role("button", name="Show the result in the sidebar").click()
    bar = Sidebar(screen)
    expect(bar.card("[[fail_en]]")).to_be_focused()
    notice.get_by_role("button", name="Close").click()
    expect(notice).to_have_count(0)


def test_the_free_simulator_never_says_that_it_billed(screen, vault, line, notice):
    run(screen, "[[fail_en]] a film", gateway="simulator")
    expect(line).to_have_text("not billed: Moderation stopped the prompt")
    expect(notice.locator(".g4i-bill")).to_have_text("not billed")
    run_error = screen.page.evaluate("JSON.stringify(app.lastExecutionError ?? '')")
    assert "This call was billed" not in run_error


def test_a_list_is_summed_up(screen, canvas, vault, line):
    prompts = "\n".join([new("a fox"), new("[[fail_en]] a film"), new("a cat")])
    screen.page.evaluate(
        """text => {
          const list = LiteGraph.createNode("GPT4oImage_Prompts"), node = LiteGraph.createNode("GPT4oImage_Generate");
          const shown = LiteGraph.createNode("PreviewImage");
          for (const each of [node, list, shown]) app.graph.add(each);
          for (const widget of list.widgets) if (widget.name === "text") widget.value = text;
          for (const widget of node.widgets) if (widget.name === "on_failure") widget.value = "skip";
          list.connect(0, node, node.findInputSlot("prompt"));
          node.connect(0, shown, 0);
          app.queuePrompt(0, 1);
        }""",
        prompts,
    )
    expect(line).to_have_text("2 of 3 done, $0.027 \u00b7 1 failed: BILLED, Moderation stopped the prompt")


def test_prepared_references_are_told_one_a_line(screen, canvas, vault, line, screenshots):
    screen.page.evaluate(
        """() => {
          const node = LiteGraph.createNode("GPT4oImage_References"), empty = LiteGraph.createNode("EmptyImage");
          empty.pos = [-400, 0];
          for (const each of [node, empty]) app.graph.add(each);
          for (const widget of empty.widgets) if (widget.name === "batch_size") widget.value = 3;
          empty.connect(0, node, 0);
          app.queuePrompt(0, 1);
        }"""
    )
    expect(line).to_have_text(re.compile(r"image_01, frame 1: 512 x 512 -> 512 x 512, jpeg, \d+ KiB"))
    assert len(line.inner_text().strip().split("\n")) == 3
    assert line.evaluate("each => each.scrollHeight <= each.clientHeight + 1")
    screen.page.screenshot(path=screenshots / "references.png")


EVIL = "<img src=x onerror=window.pwned=1>"


def test_foreign_text_is_text(screen, vault, line, notice, screenshots):
    run(screen, f"[[fail_en]] {EVIL}", node=GENERATE)
    expect(notice).to_be_visible()
    screen.page.evaluate(
        """evil => document.querySelector(".g4i-outcome") && app.api?.dispatchCustomEvent?.("gpt4o_image.outcome", {
          node: String(app.graph.nodes[0].id), prompt: "p", item: 0, graph: app.graph.id, outcome: {
          id: evil, status: "error", cost_usd: 0.009, billed: "yes", reused: false, pictures: 0, warnings: [],
          seconds: 1, error: { kind: "refused", message: evil, billed: "yes", gateway_text: evil } } })""",
        EVIL,
    )
    bar = Sidebar.open(screen)
    expect(bar.card("onerror")).to_be_visible()
    assert screen.page.evaluate("window.pwned") is None
    assert screen.page.locator(".g4i img[src='x']").count() == 0
