"""ComfyUI as a person has it before them: one page of a real browser, and what went wrong in it."""

import json
import shutil
from dataclasses import dataclass, field
from typing import Any

from web.noise import CONSOLE, MISSING, known

SIZE = {"width": 1400, "height": 900}
OUR_SCRIPTS = "/extensions/gpt4o-image/"
READY = "window.app?.extensionManager && window.app.graph && !document.querySelector('#splash-loader')"
OPEN_TEMPLATE = """async name => {
    const response = await fetch(`/api/workflow_templates/gpt4o-image/${name}.json`);
    await window.app.loadGraphData(await response.json(), true, true, name, {openSource: "template"});
}"""
# Not this pack's own words to screen readers.
NOTICES = ", ".join(
    f"{each}:not(.g4i, .g4i *)" for each in (".p-toast-message", "[role=dialog]", "[role=alert]", "[role=status]")
)
GOOD_NEWS = ("Job queued", "Job completed", "Notification []")  # the last is a place for some, which is empty
QUIET = {
    "Comfy.TutorialCompleted": True,  # else the Templates dialog opens by itself
    "Comfy.Notification.ShowVersionUpdates": False,
}


@dataclass
class Trouble:
    """What no page may show: errors, warnings and failed requests that are not known noise, foreign addresses."""

    origin: str
    lines: list[str] = field(default_factory=list)

    def watch(self, page):
        page.on("pageerror", lambda error: self.lines.append(f"uncaught: {error.stack or error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        # Chromium's own events, since Playwright's leave out by way of whose script a message came.
        session = page.context.new_cdp_session(page)
        session.on("Runtime.consoleAPICalled", self._console)
        session.on("Log.entryAdded", lambda event: self._log(event["entry"]))
        session.send("Runtime.enable")
        session.send("Log.enable")

    def taken(self):
        """The lines so far; they count no longer."""
        lines, self.lines = self.lines, []
        return lines

    def _console(self, event):
        if event["type"] in ("error", "warning", "assert"):
            text = " ".join(str(each.get("value", each.get("description"))) for each in event["args"])
            self._said(f"console {event['type']}: {text}", event.get("stackTrace"))

    def _log(self, entry):
        """What the browser itself says; of failed requests only `_response` judges."""
        if entry["level"] in ("error", "warning") and entry["source"] != "network":
            self._said(f"{entry['source']} {entry['level']}: {entry['text']}", entry.get("stackTrace"))

    def _said(self, text, stack):
        scripts = {frame["url"] for frame in (stack or {}).get("callFrames", [])}
        ours = [url for url in scripts if OUR_SCRIPTS in url]
        if ours or not known(text, CONSOLE):
            self.lines.append(f"{text} ({', '.join(ours or scripts)})")

    def _request(self, request):
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.lines.append(f"foreign host: {request.method} {request.url}")

    def _response(self, response):
        if response.status >= 400 and not known(response.url, MISSING):
            self.lines.append(f"HTTP {response.status}: {response.url}")


@dataclass
class Screen:
    """An opened ComfyUI with an empty graph. `page` is Playwright's; `server` the ComfyUI behind it.

    A test that sets `spoiled` leaves the page as no other should find it.
    """

    page: Any
    server: Any
    trouble: Trouble
    spoiled: bool = False

    def command(self, command_id):
        """A command of the palette."""
        self.page.evaluate("id => window.app.extensionManager.command.execute(id)", command_id)

    def load(self, workflow):
        """Opens a workflow (a dict as the browser saves it), as a file dropped on the canvas is opened."""
        self.page.evaluate("workflow => window.app.loadGraphData(workflow)", workflow)

    def prompt(self):
        """The API graph that Run would send."""
        return self.page.evaluate("async () => (await window.app.graphToPrompt()).output")

    def open_template(self, name):
        """As a click in the Templates dialog does it: the JSON comes from the server."""
        self.page.evaluate(OPEN_TEMPLATE, name)

    def notices(self):
        """What stands over the graph: toasts, dialogs, and the front end's own words on missing nodes and models."""
        texts = self.page.locator(NOTICES).all_inner_texts()
        return [text for text in texts if text.strip() and text not in GOOD_NEWS]

    def ready(self):
        """Waits until the page is loaded."""
        self.page.wait_for_function(READY)

    def open_again(self):
        """Loads the page anew, with its settings and an empty graph."""
        self.page.goto(self.server.origin)
        self.ready()
        self.command("Comfy.NewBlankWorkflow")
        self.page.wait_for_function("window.app.graph.nodes.length === 0")


def new_user(server, settings):
    """ComfyUI's user folder as of a user who has only these settings."""
    folder = server.base_directory / "user" / "default"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "comfy.settings.json").write_text(json.dumps(settings))


def idle(page, origin):
    """Nothing runs, nothing waits, nothing is remembered: an equal prompt runs again."""
    emptied = (
        ("queue", {"clear": True}),
        ("interrupt", {}),
        ("history", {"clear": True}),
        ("free", {"free_memory": True}),
    )
    for path, body in emptied:
        page.request.post(f"{origin}/{path}", data=body)
