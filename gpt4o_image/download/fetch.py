"""The addresses of one picture -> its bytes, by GET only. Trusts no address: it came out of a model's answer.

Only https to public addresses, or the gateway's own origin; no key, cookie or login goes along.
"""

from __future__ import annotations

import base64
import math
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, unquote_to_bytes, urljoin

from ..errors import GPT4oImageError
from .connection import Connection, Forbidden, Origins

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

MAX_BYTES = 50 * 1024 * 1024
_TOO_LARGE = f"larger than {MAX_BYTES // 2**20} MiB"
_MAX_REDIRECTS = 5
# Once all addresses are known, one that gives nothing is asked again within this time, then given up.
_TRIES_S = 15.0
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 7.0)
_LATER_S = 10.0  # after these, as long as the answer goes on
_POLL_S = 0.05
_CHUNK_BYTES = 64 * 1024
# Answers that another try may change: the file may not have reached the CDN yet, which object stores report with 202,
# 403 or 404 (boto3#2549), or the CDN is overloaded.
_WORTH_ANOTHER_TRY = (202, 403, 404, 408, 425, 429)
_BEGINNING = 1024
_QUOTE_CHARS = 100
_URL_SAFE = str.maketrans("-_", "+/")


class DownloadError(Exception):
    """No address gave a picture. `reasons` has one line an address, as `address: why`."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class Stopped(Exception):
    """The caller asked to stop."""


class _Refused(Exception):
    """This address will not give a picture, however often it is asked."""


class _Missed(Exception):
    """This address gave nothing this time."""


@dataclass
class _Source:
    """An address and what became of it. `due` is on time.monotonic(), inf once it is given up."""

    address: str
    why: str = "not tried"
    misses: int = 0
    missed_first: float = 0.0
    due: float = 0.0

    def missed(self, why: str) -> None:
        now = time.monotonic()
        pause = _PAUSES_S[self.misses] if self.misses < len(_PAUSES_S) else _LATER_S
        self.missed_first = self.missed_first or now
        self.why, self.misses, self.due = why, self.misses + 1, now + pause

    def refused(self, why: str) -> None:
        self.why, self.due = why, math.inf

    def used_up(self, complete_since: float) -> bool:
        return self.due == math.inf or self.due > max(self.missed_first, complete_since) + _TRIES_S

    def __str__(self) -> str:
        # A link is shown whole, since it was paid for; picture data is of no use to a reader.
        data = self.address[:5].lower() == "data:"
        return f"{self.address[:30]}... ({len(self.address)} characters)" if data else self.address


def fetch(
    addresses: Callable[[], Sequence[str]],
    accept: Callable[[bytes, str], T],
    *,
    all_known: Callable[[], bool],
    own_origins: Origins,
    deadline: float,
    stopped: Callable[[], bool],
) -> T:
    """What `accept` makes of (bytes, address) of the first address that gives complete bytes, at most 50 MiB.

    They may be of any format, known or not, but not text: a web page or JSON is a miss of that address. Nothing that
    is complete is fetched twice: what `accept` raises, a PictureError too, ends it. `addresses` is asked again and
    again: mirrors of a picture come later in the stream than its first address, and until `all_known` a picture is not
    given up; then each address has some tries within 15 s. `deadline` is on time.monotonic(); `stopped` is asked
    twenty times a second. Raises DownloadError, Stopped, and what `accept` raises.
    """
    sources: dict[str, _Source] = {}
    complete_since = math.inf
    while True:
        complete = all_known()  # asked first: the addresses asked for after it are then all there are
        complete_since = min(complete_since, time.monotonic()) if complete else math.inf
        known = [sources.setdefault(address, _Source(address)) for address in addresses()]
        left = [source for source in known if not source.used_up(complete_since)]
        if stopped():
            raise Stopped
        now = time.monotonic()
        if now >= deadline or (complete and all(source.due >= deadline for source in left)):
            raise DownloadError([f"{source}: {source.why}" for source in known])
        source = min((one for one in left if one.due <= now), key=lambda one: one.misses, default=None)
        if source is None:
            time.sleep(_POLL_S)
            continue
        # A server that trickles bytes must not use up the time of the mirrors.
        until = deadline if complete and len(left) == 1 else (now + deadline) / 2
        try:
            data = _fetch_one(source.address, own_origins, until, stopped)
        except _Refused as error:
            source.refused(str(error))
        except _Missed as error:
            source.missed(str(error))
        else:
            return accept(data, source.address)


def _fetch_one(address: str, own_origins: Origins, until: float, stopped: Callable[[], bool]) -> bytes:
    """In a thread of its own, since neither resolving nor a silent server can be interrupted from inside."""
    if address[:5].lower() == "data:":
        try:
            return _checked(_from_data(address))
        except _Missed as error:
            raise _Refused(str(error)) from None  # the next try would read the same
    line = Connection(own_origins)
    result: Future[bytes] = Future()
    # A daemon: where resolving hangs, it outlives this call until the system stops.
    thread = threading.Thread(target=_transfer, args=(line, address, result), name="gpt4o-image-transfer", daemon=True)
    thread.start()
    try:
        while not wait([result], _POLL_S).done:
            if stopped():
                raise Stopped
            if time.monotonic() > until:
                raise _Missed("too slow; the deadline passed")
        return result.result()
    finally:
        line.cut()
        thread.join(_POLL_S)


def _transfer(line: Connection, address: str, result: Future[bytes]) -> None:
    try:
        result.set_result(_checked(_follow(line, address)))
    except Forbidden as error:
        result.set_exception(_Refused(str(error)))
    except GPT4oImageError as error:  # a proxy or certificate variable that cannot be used
        result.set_exception(_Refused(error.problem))
    except OSError as error:
        result.set_exception(_Missed(str(error)))
    except BaseException as error:  # noqa: BLE001 - the thread's end: its caller gets it
        result.set_exception(error)


def _follow(line: Connection, address: str) -> bytes:
    for _ in range(_MAX_REDIRECTS + 1):
        with line.get(address) as response:
            if not response.is_redirect:
                return _read(response, line)
            address = _joined(address, response.headers["location"])
    raise _Refused(f"more than {_MAX_REDIRECTS} redirects")


def _joined(address: str, location: str) -> str:
    """Raises _Refused. An absolute `location` stays as it is, byte for byte."""
    location = location.encode("latin-1").decode("utf-8", "replace")  # as HTTP headers are read, and mean it
    if "://" in location.partition("?")[0]:
        return location
    try:
        return urljoin(address, location)
    except ValueError:
        raise _Refused("redirects to an invalid address") from None


def _read(response: requests.Response, line: Connection) -> bytes:
    from urllib3.exceptions import HTTPError

    if response.status_code != 200:
        again = response.status_code in _WORTH_ANOTHER_TRY or response.status_code >= 500
        raise (_Missed if again else _Refused)(f"HTTP {response.status_code}")
    raw = response.raw
    if (raw.length_remaining or 0) > MAX_BYTES:
        raise _Refused(_TOO_LARGE)
    body = _Body(response.headers.get("content-encoding", ""))
    try:
        # Undecoded: older urllib3 unpacks all of a chunk at once, whatever it grows to.
        while chunk := raw.read(_CHUNK_BYTES, decode_content=False):
            body.feed(chunk)
            if line.is_cut:
                raise _Missed("cut")
    except HTTPError as error:
        raise _Missed(f"broke off after {body.received} bytes ({type(error).__name__})") from None
    if raw.length_remaining:  # urllib3 1.26 leaves this to its caller
        raise _Missed(f"broke off after {body.received} bytes, {raw.length_remaining} are missing")
    return body.whole()


class _Body:
    """Bytes as they come, at most 50 MiB both packed and unpacked. gzip is accepted though it was not requested."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise _Refused(f"is encoded as {encoding}, which was not asked for")
        self._unpacker = None if encoding in ("", "identity") else zlib.decompressobj(wbits=47)  # gzip or zlib
        self._data = bytearray()
        self.received = 0

    def feed(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self._unpacker is None:
            self._data += chunk
        elif not self._unpacker.eof:  # what follows the end is counted and not kept
            try:
                self._data += self._unpacker.decompress(chunk, MAX_BYTES + 1 - len(self._data))
            except zlib.error:
                raise _Missed("its compression is broken") from None
        if max(self.received, len(self._data)) > MAX_BYTES:
            raise _Refused(_TOO_LARGE)

    def whole(self) -> bytes:
        if self._unpacker and not self._unpacker.eof:
            raise _Missed(f"broke off after {self.received} bytes")
        return bytes(self._data)


def _from_data(address: str) -> bytes:
    head, _, body = address.partition(",")
    if not head.lower().rstrip().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(unquote(body).translate(_URL_SAFE) + "==")  # where the padding was left out
    except ValueError:
        raise _Refused("its base64 is broken") from None


def _checked(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise _Refused(_TOO_LARGE)
    if not data:
        raise _Missed("empty")
    if text := _text(data):
        raise _Missed(f"a text, not a picture: {text}")
    return data


def _text(data: bytes) -> str:
    """How bytes begin that are a web page, JSON, an SVG or plain words; empty for all others."""
    try:
        text = data[:_BEGINNING].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < _BEGINNING - 3 and data.lstrip()[:1] not in (b"<", b"{", b"["):
            return ""
        text = data[:_BEGINNING].decode("utf-8", "replace")  # a page in GBK, or a character cut at the end
    plain = all(char.isprintable() or char.isspace() for char in text)
    return " ".join(text.split())[:_QUOTE_CHARS] or "blank" if plain else ""
