"""Every shape of a 200 over HTTP, from both endpoints, whole and cut: each complete picture is downloaded and kept."""

import base64
import hashlib
from dataclasses import replace

import pytest
from answer_shapes import ORIGIN, PROMPT, SHAPES, cuts
from fake_gateway import reply

pytestmark = pytest.mark.slow

FEW = 2  # cuts a shape; --every-cut: at 20 places and around the end of each picture


def wire(body, origin):
    for slash in (b"/", rb"\/"):
        body = body.replace(ORIGIN.encode().replace(b"/", slash), origin.encode().replace(b"/", slash))
    return body


def lost(ask, gateway, shape, endpoint, size):
    """Addresses that were complete in the first `size` bytes and whose picture is not in the vault."""
    sent, whole = wire(shape.body[:size], gateway.origin), wire(shape.body, gateway.origin)
    kind = "text/event-stream" if whole.startswith((b"data:", b":", b"event:")) else "application/json"
    gateway.post(replace(reply(whole, content_type=kind), missing=len(whole) - len(sent)))
    posts = gateway.posts()
    outcome = ask(PROMPT, endpoint=endpoint, seed=posts)
    assert gateway.posts() == posts + 1
    result = ask.vault.find(outcome.result_id)
    files = {file.picture: file.sha256 for file in result.files}
    kept = {picture.address for picture in result.pictures if picture.index in files} | {*files.values()}
    return {kept_as(address, gateway.origin) for address in shape.complete_in(size)} - kept


def kept_as(address, origin):
    """Of picture data the vault keeps the sha256 in the place of the address."""
    if not address.startswith("data:"):
        return wire(address.encode(), origin).decode()
    data = address.partition(",")[2].translate(str.maketrans("-_", "+/"))
    return hashlib.sha256(base64.b64decode(data)).hexdigest()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("endpoint", ["chat", "images"])
@pytest.mark.parametrize("name", SHAPES)
def test_nothing_complete_is_lost(ask, fake_gateway, pytestconfig, name, endpoint):
    shape = SHAPES[name]
    places = cuts(shape) if pytestconfig.getoption("every_cut") else cuts(shape)[:: len(cuts(shape)) // FEW]
    gone = {size: lost(ask, fake_gateway, shape, endpoint, size) for size in [*places, len(shape.body)]}
    print(f"{endpoint}, {name}: {sum(len(shape.complete_in(size)) for size in gone)} complete pictures")
    assert not any(gone.values()), {size: addresses for size, addresses in gone.items() if addresses}
