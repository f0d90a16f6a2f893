"""What a page may say without failing a browser test, and why; anything else is taken for this pack's doing."""

import re
from typing import NamedTuple


class Noise(NamedTuple):
    text: str  # a regular expression, searched for in what the console shows
    why: str


# Not forgiven where a script of this pack is on the message's stack.
CONSOLE = (
    Noise(r"legacy queue/history menu is deprecated", "the front end says so of itself while its settings load"),
    Noise(r"ComfyApp graph accessed before initialization", "the front end's own start"),
    Noise(r"ComfyApp\.open_maskeditor is deprecated", "the front end's own mask editor"),
    Noise(r"cleanup event listeners for graph that was never set up", "the front end's own minimap, 1.36"),
    Noise(r"Invalid layout total size", "the front end's own splitter, from 1.58"),
    Noise(r"input\.link is deprecated", "the front end's own use of it, from 1.58"),
    Noise(r"huggingface\.co/Comfy-Org/", "the front end's default workflow names models that nobody has"),
)

# Responses of 400 and more that the front end expects; the rest of ComfyUI's addresses may not fail.
MISSING = (
    Noise(r"/user\.css$", "the user's own style, rarely there"),
    Noise(r"/favicon\.ico$", "the browser's own question"),
    Noise(r"/api/userdata[/?]", "a new user has saved nothing yet"),
    Noise(r"/docs/[^/]+(/en)?\.md$|/docs/[^/]+/en\.md$", "help is looked for in the language first, then without one"),
)


def known(text, noises):
    return any(re.search(noise.text, text) for noise in noises)
