"""A person's path: find the template, run it, watch it, go on from the paid picture, think better of another one.

Everything is clicked, typed and dragged; the page's own objects are only asked what they show. Each step leaves a
picture, two of them for the README. The gateway is the template's own: the simulator at its true speed.
"""

import re
import uuid

import pytest
from PIL import Image
from playwright.sync_api import expect
from templates import STICKER

from gpt4o_image.command.headless import failure
from web.sidebar import Sidebar

GENERATE, LOAD_RESULT = "GPT4oImage_Generate", "GPT4oImage_LoadResult"
SAVE, PREVIEW = "SaveImage", "PreviewImage"
EMPTY = (720, 850)  # of the canvas, where nothing ever is
EARLIER = [
    "A lighthouse in a storm as a smooth 3D cartoon",
    "A sticker of a sleepy cat in a knitted scarf, transparent background",
    "A small town by the sea on a summer afternoon",
    "A sticker of a robot with a watering can, transparent background",
]
WATCH = """type => {
    const node = window.app.graph.nodes.find(each => each.type === type);
    window.shown = {bar: [], texts: []};
    const keep = (list, value) => value != null && list.at(-1) !== value && list.push(value);
    const look = () => {
        keep(window.shown.bar, node.progress);
        keep(window.shown.texts, node.widgets.find(each => each.name.includes("text-preview"))?.value);
        window.watching = requestAnimationFrame(look);
    };
    cancelAnimationFrame(window.watching);
    look();
}"""
HAS = "type => window.app.graph.nodes.some(each => each.type === type)"
# Where a socket is in the window. Nodes 2.0 has an element for each.
SOCKET = """([type, side, slot]) => {
    const node = window.app.graph.nodes.find(each => each.type === type);
    const element = document.querySelector(`[data-slot-key="${node.id}-${side}-${slot}"]`);
    if (!element) return window.app.canvasPosToClientPos(node.getConnectionPos(side === "in", slot));
    const {x, y, width, height} = element.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
}"""
# Nodes 2.0 draws a node's pictures as elements of the page, the classic canvas by itself.
PICTURES = """type => {
    const node = window.app.graph.nodes.find(each => each.type === type);
    const elements = document.querySelectorAll(`[data-node-id="${node.id}"] img`);
    return [...node.imgs ?? [], ...elements].some(each => each.naturalWidth);
}"""


class Person:
    def __init__(self, screen, screenshots, docs=None):
        self.screen, self.page, self.docs = screen, screen.page, docs
        self._screenshots, self._steps = screenshots, 0

    def keep(self, step, docs=""):
        """A picture of this step; with a name for it in docs/ the README shows it."""
        self._steps += 1
        file = self._screenshots / f"{self._steps:02}_{step}.png"
        self.page.screenshot(path=file)
        if docs and self.docs:
            with Image.open(file) as picture:
                few_colours = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
                few_colours.save(self.docs / docs, optimize=True)

    def open_template(self, name):
        self.page.get_by_role("button", name="Templates").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_text("gpt4o-image", exact=True).click()
        template = dialog.get_by_test_id(f"template-workflow-{name}")
        expect(template.locator("img").first).to_have_js_property("complete", True)
        self.keep("templates")
        template.click()
        expect(dialog).to_have_count(0)
        self.page.wait_for_function(HAS, arg=GENERATE)

    def write(self, prompt):
        """Into the node's prompt, in place of what was there."""
        field = self.page.locator("textarea:visible", has_not_text="##").first
        field.fill(prompt)
        self.page.mouse.click(*EMPTY)

    def run(self, watched=GENERATE):
        self.page.evaluate(WATCH, watched)
        self.page.get_by_test_id("queue-button").get_by_role("button", name="Run").or_(
            self.page.locator("button[data-testid=queue-button]")
        ).first.click()

    def sees_text(self, words):
        """The text on the node, as it is drawn: on both canvases it is part of the page."""
        expect(self.page.get_by_text(words).filter(visible=True).first).to_be_visible()

    def sees_outcome(self, words):
        """The line that stays on the node."""
        expect(self.page.locator(".g4i-outcome").filter(visible=True)).to_contain_text(words)

    def sees_picture(self, node):
        self.page.wait_for_function(PICTURES, arg=node)

    def connect(self, source, output, target, socket):
        """Drags a wire."""
        start = self.page.evaluate(SOCKET, [source, "out", output])
        end = self.page.evaluate(SOCKET, [target, "in", socket])
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=12)
        self.page.mouse.up()
        self.page.mouse.click(*EMPTY)

    def opens_sidebar(self):
        self.page.get_by_role("button", name="GPT-4o Image", exact=True).click()
        self.sidebar = Sidebar(self.screen)
        expect(self.sidebar.panel).to_be_visible()

    def opens_blank_workflow(self):
        self.page.get_by_role("button", name="Create a new blank workflow").click()
        self.page.wait_for_function("window.app.graph.nodes.length === 0")
        self.page.mouse.move(*EMPTY)
        for _ in range(5):
            self.page.mouse.wheel(0, -100)  # nearer

    def adds(self, name, at):
        """A node by its name, with the search that a double click on the canvas opens."""
        self.page.mouse.dblclick(*at)
        self.page.keyboard.type(name)
        found = self.page.get_by_role("option").filter(has_text=name)
        found.first.click()
        expect(found).to_have_count(0)
        self.page.wait_for_function(HAS, arg=PREVIEW)
        self.page.mouse.click(*at)  # newer front ends let the node follow the mouse until then

    def shown(self):
        return self.page.evaluate("window.shown")


@pytest.fixture
def settings():
    """A calmer picture."""
    return {"Comfy.Minimap.Visible": False, "Comfy.Graph.CanvasInfo": False}


@pytest.fixture
def person(request, screen, canvas, screenshots, pack_root):
    updated = request.config.getoption("update_screenshots") and canvas == "classic"
    return Person(screen, screenshots, pack_root / "docs" if updated else None)


def paid_before(server, prompts):
    for number, prompt in enumerate(prompts):
        inputs = {"prompt": prompt, "model": "gpt-4o-image-vip", "aspect_ratio": "auto", "background": "auto"}
        inputs |= {"count": "1", "seed": number, "gateway": "aihubmix", "artist_names": "stop"}
        graph = {"1": {"class_type": GENERATE, "inputs": inputs}}
        graph["2"] = {"class_type": PREVIEW, "inputs": {"images": ["1", 0]}}
        assert failure(server.wait(server.submit(graph))) is None


def test_a_template_is_found_run_watched_and_gone_on_from(person):
    prompt = "A die-cut sticker of a friendly red fox holding a paper lantern"
    if person.docs:
        paid_before(person.screen.server, EARLIER)
    else:
        prompt += f" {uuid.uuid4().hex[:6]}"  # an equal one would not run again
    person.open_template(STICKER)
    person.write(prompt)
    person.keep("opened")

    person.run()
    person.sees_text(re.compile(r"sending|queued|generating|\d %"))
    person.page.wait_for_function("window.shown.bar.some(value => value > 0)")
    person.keep("running")
    person.sees_outcome("saved")
    person.sees_picture(SAVE)
    person.keep("done", "graph.png")
    bar, texts = (person.shown()[name] for name in ("bar", "texts"))
    assert bar == sorted(bar)
    assert len([value for value in bar if 0 < value < 1]) >= 3
    assert [text for text in ("queued", "generating", " %") if not any(text in each for each in texts)] == []

    person.opens_sidebar()
    person.opens_blank_workflow()
    card = person.sidebar.card(prompt)
    expect(card.locator("img")).to_have_js_property("complete", True)
    card.get_by_role("button", name="Add a Load Paid Result node").click()
    person.adds("Preview Image", at=(1240, 330))
    person.connect(LOAD_RESULT, 0, PREVIEW, 0)
    person.keep("load_node")
    person.run(LOAD_RESULT)
    person.sees_outcome("from the vault, $0")
    person.sees_picture(PREVIEW)
    person.keep("loaded", "sidebar.png")


def test_a_run_is_cancelled(person, server):
    prompt = f"A sticker of a snail {uuid.uuid4().hex[:6]} [[long_queue]]"
    person.open_template(STICKER)
    person.write(prompt)
    person.opens_sidebar()
    person.run()
    person.sees_text("queued")
    person.keep("queued")
    person.page.get_by_role("button", name="Cancel current run").click()
    expect(person.sidebar.card(prompt).locator(".g4i-state")).to_contain_text("ancelled")
    person.keep("cancelled")
    # No error report: only the front end's own words for every interrupted job.
    said = person.screen.notices()
    assert [words for words in said if not re.search("Job failed|has been interrupted", words)] == []
    expect(person.page.get_by_text("queued").filter(visible=True)).to_have_count(0)
