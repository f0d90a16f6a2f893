"""The simulator as a process of its own, which says on stdout what it was asked for and what it delivered.

One JSON object a line, written at once, so that all of it is known after a kill. `post`: before anything is answered;
`hung`: the addresses of an answer, before it begins; `answered`: which of them, and which pictures, really were in it;
`asked` and `fetched`: a GET of a picture, and that all of its bytes were sent.
"""

import base64
import hashlib
import json
import os
import sys
import threading
from urllib.parse import urlsplit

from gpt4o_image.simulator import Simulator, free, paid, server
from gpt4o_image.simulator.pictures import Gallery

PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"\0\0\0\x18ftyp")
LONGEST_WITHOUT_DATA = 100_000  # bytes: an answer that holds pictures is longer
MOST_BYTES = 50 << 20
MINE = threading.local()  # of the request that this thread answers


def say(what, **facts):
    os.write(1, json.dumps({"what": what, **facts}).encode() + b"\n")


class Heard:
    """A connection that keeps what was sent; the frames of HTTP's chunks are left out."""

    def __init__(self, connection):
        self._connection = connection
        self._sent = bytearray()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def send(self, data):
        self._connection.send(data)
        self._sent += data

    def send_chunk(self, data):
        self._connection.send_chunk(data)
        self._sent += data

    @property
    def sent(self):
        return bytes(self._sent)


class WatchedGallery(Gallery):
    def hang(self, pictures, links, behaviour):
        addresses = [(link.cdn, link.download, link.signed, link.thumb) for link in links]
        MINE.hung = list(zip(pictures, addresses, strict=True))
        say("hung", prompt=MINE.prompt, targets=[target_of(url) for _, urls in MINE.hung for url in urls])
        super().hang(pictures, links, behaviour)


def target_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def prompt_of(body):
    """The words of a run, which are one line; what its options add comes below."""
    text = body.get("prompt")
    if not isinstance(text, str):
        content = body["messages"][-1]["content"]
        text = content if isinstance(content, str) else content[0]["text"]
    return text.split("\n")[0]


def text_of(sent):
    """The model's text in what was sent, and after it all of it as it was."""
    said = []
    for line in sent.split(b"\n"):
        if line.startswith(b"data: {"):
            try:
                said.append(json.loads(line[6:])["choices"][0]["delta"]["content"])
            except (ValueError, LookupError, TypeError):
                continue
    return "".join(text for text in said if isinstance(text, str)) + sent.decode("utf-8", "replace")


def holds(text, data):
    plain = base64.b64encode(data).decode()
    return plain in text or plain.translate(str.maketrans("+/", "-_", "=")) in text


def watched(route):
    def call(exchange):
        MINE.prompt, MINE.hung = prompt_of(exchange.json_body()), []
        exchange.connection = heard = Heard(exchange.connection)
        say("post", prompt=MINE.prompt)
        try:
            route(exchange)
        finally:
            text = text_of(heard.sent)
            urls = [url for _, urls in MINE.hung for url in urls if f"({url})" in text or f'"{url}"' in text]
            inside = [picture.painted() for picture, _ in MINE.hung if len(heard.sent) > LONGEST_WITHOUT_DATA]
            shas = [hashlib.sha256(data).hexdigest() for data in inside if holds(text, data)]
            say("answered", prompt=MINE.prompt, links=urls, inline=shas, whole=exchange.record.finished)

    return call


def watched_picture(route):
    def call(exchange):
        say("asked", target=exchange.target)
        exchange.connection = heard = Heard(exchange.connection)
        route(exchange)
        _, _, body = heard.sent.partition(b"\r\n\r\n")
        if exchange.record.finished and body.startswith(PICTURE_STARTS) and len(body) <= MOST_BYTES:
            say("fetched", target=exchange.target, sha256=hashlib.sha256(body).hexdigest())

    return call


def main(port, speed):
    for path, route in (("/v1/chat/completions", paid.chat), ("/v1/images/generations", paid.images)):
        server.ROUTES["POST", path] = watched(route)
    free.picture = watched_picture(free.picture)
    simulator = Simulator(port=port, speed=speed)
    simulator._gateway.gallery = WatchedGallery()
    with simulator:
        say("ready")
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
