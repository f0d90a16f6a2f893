"""Paid results put into the server's vault by hand, as many and in whatever state a test wants them."""

import hashlib
import io
import json
import shutil
import time
import zlib

from PIL import Image

from gpt4o_image.vault.sqlite import SqliteDatabase
from gpt4o_image.vault.vault import Vault

FAILED = {"kind": "refused", "message": "The model declined.\nNot like this.", "gateway_text": None, "request_id": None}
LINK = "https://example.com/picture.png"
EACH_STATE = [
    {"id": "a-failed", "prompt": "a castle in fog", "error": FAILED, "billed": "no"},
    {"id": "b-links", "prompt": "a boat at dawn", "links": [LINK], "error": FAILED | {"kind": "download_failed"}},
    {"id": "c-partly", "prompt": "four cats", "links": [LINK, f"{LINK}?2"], "stored": 1},
    {"id": "d-running", "prompt": "a slow tree", "status": "running", "billed": "unknown"},
    {"id": "e-saved", "prompt": "a red fox in a <b>den</b>", "stored": 1},
]


def emptied(home):
    """The vault of the server at `home`, without a result."""
    shutil.rmtree(home / "vault", ignore_errors=True)
    (home / "vault" / "files").mkdir(parents=True)
    return Vault(home / "vault")


def picture(number, size=(48, 32)):
    """A PNG with transparency, another for each number."""
    image = Image.new("RGBA", size, (40 * number % 256, 90 * number % 256, 200, 255))
    image.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def seed(vault, results):
    """Adds results, oldest first; each a dict: id, prompt, and its stored, links, error, graph, status."""
    files = {}
    with SqliteDatabase(vault.folder / "vault.sqlite3").writing() as db:
        for row, result in enumerate(results):
            _insert(db, row, result)
            for number in range(result.get("stored", 0)):
                which = (row + number) % 20
                if which not in files:
                    files[which] = _kept(vault, which)
                name = files[which]
                db.execute("INSERT INTO files VALUES (?, ?, ?, ?, NULL, 1)", (result["id"], number, name[:-4], name))


def _kept(vault, number):
    data = picture(number)
    name = f"{hashlib.sha256(data).hexdigest()}.png"
    (vault.folder / "files" / name).write_bytes(data)
    return name


def _insert(db, row, result):
    error = result.get("error")
    now = time.time()
    db.execute(
        "INSERT INTO results (id, request_key, created, heartbeat, holds, verdict, gateway, model, prompt, cost_usd,"
        " billed, error, details) VALUES (?, ?, ?, ?, ?, ?, 'aihubmix', 'gpt-4o-image-vip', ?, ?, ?, ?, '{}')",
        (
            result["id"],
            result["id"],
            now - 600 + row / 100,
            now if result.get("status") == "running" else None,
            "saved" if result.get("stored") else "links" if result.get("links") else "failed",
            "failed" if error else "read",
            result["prompt"],
            0.009,
            result.get("billed", "yes"),
            json.dumps(error) if error else None,
        ),
    )
    for number, address in enumerate(result.get("links", ())):
        db.execute("INSERT INTO links VALUES (?, ?, ?, ?, '', ?)", (result["id"], number, number, number, address))
    if "graph" in result:
        db.execute(
            "INSERT INTO graphs VALUES (?, ?)", (result["id"], zlib.compress(json.dumps(result["graph"]).encode()))
        )


def saved(count, prompt="picture number"):
    """So many results with one picture each."""
    return [{"id": f"seed-{number:05}", "prompt": f"{prompt} {number}", "stored": 1} for number in range(count)]
