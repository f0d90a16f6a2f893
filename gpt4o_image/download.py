"""The addresses of one picture -> its bytes, by GET only. Trusts no address: it came out of a model's answer.

Only https to public addresses, or the gateway's own origin; no key, cookie or login goes along.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from .network import Forbidden, check_address, open_session
from .pixels import sniff

if TYPE_CHECKING:
    import requests

MAX_BYTES = 50 * 1024 * 1024
_MAX_REDIRECTS = 5
_CONNECT_S = 10.0
_READ_S = 30.0
_PAUSES_S = (0.5, 1.5, 3.0)
_CHUNK_BYTES = 256 * 1024
# Answers that another try may change: the file may not have reached the CDN yet, or the CDN is overloaded.
_WORTH_ANOTHER_TRY = (404, 408, 425, 429)


class DownloadError(Exception):
    """No address gave a picture. `reasons` has one line an address, as `address: why`."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class _Refused(Exception):
    """This address will not give a picture, however often it is asked."""


class _Missed(Exception):
    """This address gave nothing this time."""


class Stopped(Exception):
    """The caller asked to stop."""


def fetch(
    addresses: Callable[[], Sequence[str]],
    *,
    all_known: Callable[[], bool],
    own_origin: tuple[str, str, int],
    deadline: float,
    stopped: Callable[[], bool],
) -> tuple[bytes, str]:
    """(bytes, address) of the first address that gives a picture of at most 50 MiB.

    `addresses` is asked again before each round: mirrors of a picture come later in the stream than its first
    address, and until `all_known` a picture is not given up. `deadline` is on time.monotonic().
    Raises DownloadError, Stopped.
    """
    reasons: dict[str, str] = {}
    refused: set[str] = set()
    pauses = list(_PAUSES_S)
    while True:
        complete = all_known()
        for address in addresses():
            if address in refused:
                continue
            try:
                return _fetch_one(address, own_origin, deadline, stopped), address
            except (_Refused, Forbidden) as error:
                refused.add(address)
                reasons[address] = str(error)
            except (_Missed, OSError) as error:
                reasons[address] = str(error)
        waits = pauses[0] if pauses else 0.0
        given_up = complete and (not pauses or refused.issuperset(addresses()))
        if given_up or time.monotonic() + waits > deadline:
            raise DownloadError([f"{_shown(address)}: {why}" for address, why in reasons.items()])
        _wait(waits or _PAUSES_S[-1], stopped)
        del pauses[:1]


def _wait(seconds: float, stopped: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if stopped():
            raise Stopped
        time.sleep(0.05)


def _fetch_one(address: str, own_origin: tuple[str, str, int], deadline: float, stopped: Callable[[], bool]) -> bytes:
    if address.startswith("data:"):
        return _checked(_from_data(address))
    with open_session(own_origin) as session:
        for _ in range(_MAX_REDIRECTS + 1):
            check_address(address, own_origin)
            response = _get(session, address, deadline)
            with response:
                if response.is_redirect:
                    address = urljoin(address, response.headers["location"])
                    continue
                return _checked(_read(response, deadline, stopped))
    raise _Refused(f"more than {_MAX_REDIRECTS} redirects")


def _get(session: requests.Session, address: str, deadline: float) -> requests.Response:
    import requests

    left = deadline - time.monotonic()
    if left <= 0:
        raise _Missed("the deadline came first")
    try:
        # The signed query is kept as it was sent: requests would quote a prepared address only where it must.
        return session.get(
            address, stream=True, allow_redirects=False, timeout=(min(_CONNECT_S, left), min(_READ_S, left))
        )
    except requests.exceptions.RequestException as error:
        raise _broken(error) from None


def _broken(error: Exception) -> Exception:
    """A refusal of network.py comes wrapped in the exceptions of urllib3 and requests."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, Forbidden):
            return cause
        cause = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
        if not isinstance(cause, BaseException):
            break
    return _Missed(type(error).__name__)


def _read(response: requests.Response, deadline: float, stopped: Callable[[], bool]) -> bytes:
    import requests

    if response.status_code != 200:
        again = response.status_code in _WORTH_ANOTHER_TRY or response.status_code >= 500
        raise (_Missed if again else _Refused)(f"HTTP {response.status_code}")
    if _declared_bytes(response) > MAX_BYTES:
        raise _Refused(f"larger than {MAX_BYTES // 2**20} MiB")
    data = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            data += chunk
            if len(data) > MAX_BYTES:
                raise _Refused(f"larger than {MAX_BYTES // 2**20} MiB")
            if stopped():
                raise Stopped
            if time.monotonic() > deadline:
                raise _Missed("the deadline came first")
    except requests.exceptions.RequestException as error:
        raise _broken(error) from None
    declared = _declared_bytes(response)
    if "content-encoding" not in response.headers and declared > len(data):
        raise _Missed(f"broke off after {len(data)} of {declared} bytes")
    return bytes(data)


def _declared_bytes(response: requests.Response) -> int:
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _from_data(address: str) -> bytes:
    head, _, body = address.partition(",")
    try:
        raw = base64.b64decode(body, validate=False) if head.endswith(";base64") else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        raise _Refused("its base64 is broken") from None
    if len(raw) > MAX_BYTES:
        raise _Refused(f"larger than {MAX_BYTES // 2**20} MiB")
    return raw


def _checked(data: bytes) -> bytes:
    if sniff(data) is None:
        raise (_Refused if data else _Missed)("not a picture" if data else "empty")
    return data


def _shown(address: str) -> str:
    return address if len(address) <= 500 else f"{urlsplit(address[:500]).scheme}:... ({len(address)} characters)"
