"""The one page of all browser tests: loaded where a test wants other settings, or the one before left something."""

import json
import time

from web.screen import QUIET, SIZE, Screen, Trouble, new_user

WAIT_MS = 60_000  # a busy machine with two cores; what is there is found at once
# A page takes seconds to load, and a tenth of one to be put back as it was. Gives whether it could be.
TIDY = """async ([view, settings]) => {
    const { command, setting, sidebarTab, toast, workflow } = app.extensionManager;
    for (const [id, value] of Object.entries(settings)) if (setting.get(id) !== value) await setting.set(id, value);
    if (sidebarTab.activeSidebarTabId) sidebarTab.toggleSidebarTab(sidebarTab.activeSidebarTabId);
    toast.removeAll?.();
    document.querySelectorAll(".p-toast-close-button").forEach(each => each.click());
    document.querySelectorAll(".g4i-notice").forEach(each => each.remove());
    cancelAnimationFrame(window.watching);
    delete window.pwned;
    localStorage.removeItem("gpt4o_image.outcomes");
    await command.execute("Comfy.NewBlankWorkflow");
    for (const each of [...workflow.openWorkflows])
        if (each !== workflow.activeWorkflow) await workflow.closeWorkflow(each);
    app.canvas.ds.scale = view[0];
    app.canvas.ds.offset.splice(0, 2, ...view.slice(1));
    const frame = () => new Promise(done => requestAnimationFrame(done));
    for (let n = 0; n < 100 && (n < 2 || document.querySelector(".p-toast-message")); n++) await frame();
    return !document.querySelector("dialog, [role=dialog], .g4i-panel, .p-toast-message")
        && Object.getOwnPropertyNames(navigator).length === 0;
}"""
# Those of the pack as they are at first: tests change them as they go.
OURS = {
    "GPT4oImage.Sidebar": True,
    "GPT4oImage.Gateway": "default",
    "GPT4oImage.ArtistNames": "stop",
    "GPT4oImage.RunAhead": 0,
}
VIEW = "[app.canvas.ds.scale, ...app.canvas.ds.offset]"


class Window:
    """Shows one screen at a time; `close` at the end."""

    def __init__(self, browser, server):
        self._browser, self._server = browser, server
        self._screen = self._context = self._settings = None

    def show(self, settings):
        """ComfyUI as a new user with these settings sees it, an empty graph before them."""
        settings = QUIET | settings
        same, self._settings = self._settings == settings, None  # whatever fails now, the next test gets a new page
        if not same or not self._tidied(settings):
            self._load(settings)
        self._settings = settings
        return self._screen

    def renew(self):
        """The next screen is a page of its own: what the server offers has changed."""
        self._settings = None

    def close(self):
        if self._context:
            self._context.close()

    def _load(self, settings):
        self.close()
        new_user(self._server, settings)
        self._context = self._browser.new_context(viewport=SIZE)
        self._context.set_default_timeout(WAIT_MS)
        self._screen = Screen(self._context.new_page(), self._server, Trouble(self._server.origin))
        self._screen.trouble.watch(self._screen.page)
        self._screen.open_again()
        self._view = self._screen.page.evaluate(VIEW)

    def _tidied(self, settings):
        """Whether the page could be put back as it was after its loading."""
        screen, page = self._screen, self._screen.page
        if screen.spoiled or not self._kept(settings):
            return False
        self._context.clear_permissions()
        page.unroute_all()
        page.mouse.move(0, 0)
        self._wait_for_the_queue()
        ours = OURS | {name: value for name, value in settings.items() if name in OURS}
        return page.evaluate(TIDY, [self._view, ours]) and not screen.trouble.taken()

    def _kept(self, settings):
        kept = json.loads((self._server.base_directory / "user" / "default" / "comfy.settings.json").read_text())
        return all(kept.get(name) == value for name, value in settings.items() if name not in OURS)

    def _wait_for_the_queue(self):
        deadline = time.monotonic() + WAIT_MS / 1000
        while any(json.loads(self._server.request("/queue")).values()) and time.monotonic() < deadline:
            time.sleep(0.05)
