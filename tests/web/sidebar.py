"""The pack's sidebar as a test sees it, and the ways to fill it."""

import uuid

from playwright.sync_api import expect

RUN = """([prompt, gateway]) => {
  const add = (type, x) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, 0];
    return app.graph.add(node);
  };
  const paid = add("GPT4oImage_Generate", 0), shown = add("PreviewImage", 600);
  for (const widget of paid.widgets)
    if (widget.name === "prompt") widget.value = prompt;
    else if (widget.name === "gateway") widget.value = gateway;
  paid.connect(0, shown, 0);
  app.queuePrompt(0, 1);
}"""


class Sidebar:
    """The open tab."""

    def __init__(self, screen):
        self.page = screen.page
        self.panel = self.page.get_by_role("region", name="GPT-4o Image", exact=True)
        self.feed = self.panel.get_by_role("feed")
        self.cards = self.panel.get_by_role("article")
        self.spoken = self.panel.locator(".g4i-spoken")
        self.note = self.panel.locator(".g4i-empty")

    @classmethod
    def open(cls, screen):
        screen.command("GPT4oImage.OpenResults")
        bar = cls(screen)
        expect(bar.panel).to_be_visible()
        # Answered one way or the other.
        expect(bar.cards.or_(bar.note).filter(visible=True).first).to_be_visible()
        return bar

    def card(self, words):
        return self.cards.filter(has_text=words)

    def prompts(self):
        return self.panel.locator(".g4i-prompt").all_inner_texts()

    def search(self, text):
        self.panel.get_by_role("searchbox").fill(text)

    def state(self, name):
        self.panel.get_by_role("search").get_by_role("combobox").select_option(name)


def run(screen, words, gateway="aihubmix"):
    """One paid run from the browser, which sends its graph along. Gives the prompt, which no run had before."""
    prompt = f"{words} {uuid.uuid4().hex[:8]}"  # ComfyUI keeps what an equal node gave
    screen.page.evaluate(RUN, [prompt, gateway])
    return prompt


def forgive(screen, words):
    """What a test has provoked itself is no trouble."""
    screen.trouble.lines[:] = [line for line in screen.trouble.lines if words not in line]
