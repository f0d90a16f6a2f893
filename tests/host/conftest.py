"""A real ComfyUI with this pack, the simulator as its gateway, and a driver that sees what a browser sees."""

import io
import json
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import websocket
from PIL import Image

from gpt4o_image.command.headless import HeadlessComfyUI, failure

KEY = "sk-test-0123456789abcdef"
TEST_NODES = Path(__file__).parents[1] / "fixtures" / "test_nodes"


# -- what a browser sees ------------------------------------------------------------------------------


class Event(NamedTuple):
    type: str
    data: Any
    at: float


def _image_with_metadata(body):
    (size,) = struct.unpack(">I", body[:4])
    metadata = json.loads(body[4 : 4 + size])
    return "preview", {"node": metadata["node_id"], "image": body[4 + size :]}


def _text(body):
    (size,) = struct.unpack(">I", body[:4])
    return "text", {"node": body[4 : 4 + size].decode(), "text": body[4 + size :].decode()}


def _plain_image(body):
    """Only sent to clients without `supports_preview_metadata`; must therefore never come."""
    return "plain_preview", {"node": None, "image": body[4:]}


# protocol.py: BinaryEventTypes, the same in 0.10.0 and 0.33.0
BINARY = {1: _plain_image, 3: _text, 4: _image_with_metadata}


class Browser:
    """A websocket client of ComfyUI that keeps every message in order."""

    def __init__(self, origin):
        self.client_id = uuid.uuid4().hex
        self._arrived = threading.Condition()
        self._events = []
        address = f"{origin.replace('http', 'ws', 1)}/ws?clientId={self.client_id}"
        self._socket = websocket.create_connection(address, timeout=30)
        self._socket.send(json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}))
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self.wait_for(lambda event: event.type == "feature_flags")

    def _listen(self):
        while True:
            try:
                code, body = self._socket.recv_data()
            except (OSError, websocket.WebSocketException):
                return
            if code == websocket.ABNF.OPCODE_TEXT:
                message = json.loads(body)
                event = Event(message["type"], message.get("data"), time.monotonic())
            elif code == websocket.ABNF.OPCODE_BINARY:
                (number,) = struct.unpack(">I", body[:4])
                event = Event(*BINARY[number](body[4:]), time.monotonic())
            else:
                return
            with self._arrived:
                self._events.append(event)
                self._arrived.notify_all()

    def events(self):
        with self._arrived:
            return list(self._events)

    def wait_for(self, wanted, timeout_s=30.0):
        """The first event, past ones included, for which `wanted(event)` holds."""
        with self._arrived:
            found = self._arrived.wait_for(lambda: [e for e in self._events if wanted(e)], timeout_s)
        assert found, f"nothing like it within {timeout_s} s among {[e[:2] for e in self.events()]}"
        return found[0]

    def close(self):
        self._socket.abort()  # wakes the listener, which a mere close would not
        self._thread.join(10)
        self._socket.shutdown()


# -- one prompt ---------------------------------------------------------------------------------------


@dataclass
class Run:
    """One prompt in the queue; `entry` is its history once `finish` has returned."""

    host: "Host"
    browser: Browser
    prompt_id: str
    entry: dict = field(default_factory=dict)

    def wait_for(self, event_type, node=None, timeout_s=30.0, **data):
        def wanted(event):
            fields = event.data or {}
            return (
                event.type == event_type
                and (node is None or fields.get("node") == node)
                and all(word in fields.get(name, "") for name, word in data.items())
            )

        return self.browser.wait_for(wanted, timeout_s)

    def finish(self, timeout_s=60.0):
        self.entry = self.host.server.wait(self.prompt_id, timeout_s)
        # main.py's last word on a prompt; all other messages came before it.
        self.browser.wait_for(lambda e: e.type == "executing" and e.data == {"node": None, "prompt_id": self.prompt_id})
        self.browser.close()
        return self

    @property
    def failure(self):
        return failure(self.entry)

    @property
    def error(self):
        """The data of `execution_error`, which is what the error dialog shows."""
        return next((e.data for e in self.events if e.type == "execution_error"), None)

    @property
    def events(self):
        return [e for e in self.browser.events() if (e.data or {}).get("prompt_id", self.prompt_id) == self.prompt_id]

    def percents(self, node):
        """What the node's bar showed while it ran, in order, as whole percents; repeats are one."""
        shown = []
        for event in self.events:
            state = event.data["nodes"].get(node) if event.type == "progress_state" else None
            if state and state["state"] == "running":
                percent = round(100 * state["value"] / state["max"])
                if not shown or shown[-1] != percent:
                    shown.append(percent)
        return shown

    def texts(self, node):
        return [e.data["text"] for e in self.events if e.type == "text" and e.data["node"] == node]

    def previews(self, node):
        return [picture(e.data["image"]) for e in self.events if e.type == "preview" and e.data["node"] == node]

    def images(self, node):
        """The files that a SaveImage of this run has written, decoded."""
        assert self.failure is None, self.failure
        return [
            picture(self.host.server.view(file["filename"], file["subfolder"], file["type"]))
            for file in self.entry["outputs"][node]["images"]
        ]

    def text_output(self, node):
        return "".join(self.entry["outputs"][node]["text"])


def picture(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@dataclass
class Host:
    """ComfyUI and the gateway it talks to."""

    server: HeadlessComfyUI
    simulator: Any
    browsers: list = field(default_factory=list)

    @property
    def version(self):
        return self.server.comfyui.version

    def start(self, graph, workflow=None):
        browser = Browser(self.server.origin)
        self.browsers.append(browser)
        return Run(self, browser, self.server.submit(graph, browser.client_id, workflow))

    def run(self, graph, timeout_s=60.0, workflow=None):
        return self.start(graph, workflow).finish(timeout_s)

    def posts(self, graph):
        """The simulator's records of the POSTs that the nodes of `graph` have sent, in order."""
        prompts = [node["inputs"]["prompt"] for node in graph.values() if "prompt" in node["inputs"]]
        words = [json.dumps(prompt.split("\n")[0])[1:-1] for prompt in prompts]
        records = [r for r in self.simulator.requests() if r["method"] == "POST"]
        return [r for r in records if any(word in json.dumps(r["body"]) for word in words)]

    def wait_for_posts(self, graph, count=1, timeout_s=30.0):
        deadline = time.monotonic() + timeout_s
        while len(self.posts(graph)) < count:
            assert time.monotonic() < deadline, f"fewer than {count} POSTs within {timeout_s} s"
            time.sleep(0.02)
        return self.posts(graph)


# -- fixtures -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def gateway_home(simulator, tmp_path_factory):
    """GPT4O_IMAGE_HOME of the host: a config file with a profile that has no key."""
    home = tmp_path_factory.mktemp("gpt4o_image_home")
    config = home / "config.toml"
    config.write_text(f'[profiles.without_key]\nbase_url = "{simulator.base_url}"\n')
    config.chmod(0o600)
    return home


@pytest.fixture(scope="session")
def host(comfyui, simulator, gateway_home, pack_root):
    env = {
        "GPT4O_IMAGE_HOME": str(gateway_home),
        "GPT4O_IMAGE_BASE_URL": simulator.base_url,
        "AIHUBMIX_API_KEY": KEY,
    }
    packs = {"gpt4o-image": pack_root, "test_nodes": TEST_NODES}
    with HeadlessComfyUI(comfyui, packs, env=env) as server:
        running = Host(server, simulator)
        yield running
        for browser in running.browsers:
            browser.close()


@pytest.fixture(scope="session")
def key():
    return KEY


@pytest.fixture(scope="session")
def generate():
    """A Generate node whose prompt nobody has sent before, so that nothing comes from the vault."""

    def node(words, **inputs):
        defaults = {
            "prompt": f"{words} {uuid.uuid4().hex[:12]}",
            "model": "gpt-4o-image-vip",
            "aspect_ratio": "auto",
            "background": "auto",
            "count": "auto",
            "seed": 0,
            "gateway": "aihubmix",
            "artist_names": "stop",
        }
        return {"class_type": "GPT4oImage_Generate", "inputs": {**defaults, **inputs}}

    return node


@pytest.fixture(scope="session")
def save():
    """A SaveImage for an output of another node."""

    def node(source, output=0):
        return {"class_type": "SaveImage", "inputs": {"images": [source, output], "filename_prefix": "host"}}

    return node


@pytest.fixture(scope="session")
def all_outputs(save):
    """Nodes that keep every output of node 1: save_image, save_rgb, save_mask, report."""

    def graph(node):
        return {
            "1": node,
            "save_image": save("1", 0),
            "save_rgb": save("1", 1),
            "mask": {"class_type": "MaskToImage", "inputs": {"mask": ["1", 2]}},
            "save_mask": save("mask"),
            "report": {"class_type": "PreviewAny", "inputs": {"source": ["1", 3]}},
        }

    return graph
