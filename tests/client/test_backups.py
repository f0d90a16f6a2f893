"""A whole run where the first host fails: at most one POST reaches any host; a picture comes if nothing had left."""

import socket
import struct
import sys
import threading
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.usefixtures("short_connects")

HEAD, ALL_BUT_ONE, ALL = "head", "all but the last byte", "all"


class Breaking:
    """A host that reads so much of one request and then hangs up. `got` is what it read, `whole` if that was all."""

    def __init__(self, until, *, reset):
        self.got = b""
        self._until = until
        self._reset = reset
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()

    @property
    def whole(self):
        return self._left() == 0

    def _left(self):
        """How many bytes of the request have not come; None while its head has not."""
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return None
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return int(length.split(b":")[1]) - len(body)

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(10)
            while not self._enough():
                self.got += connection.recv(1)
            if self._reset:
                layout = "hh" if sys.platform == "win32" else "ii"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))

    def _enough(self):
        if isinstance(self._until, int):
            return len(self.got) >= self._until
        left = self._left()
        return left is not None and left <= {HEAD: sys.maxsize, ALL_BUT_ONE: 1, ALL: 0}[self._until]


@dataclass
class TwoHosts:
    """As `Runs` wants a gateway to be: the addresses of both."""

    base_url: str


@pytest.fixture
def backup(fake_gateway):
    return fake_gateway


def run_on(ask, first, backup):
    ask.simulator = TwoHosts(f"{first} {backup.base_url}")
    return ask("a paper boat")


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("until", [1, HEAD, ALL_BUT_ONE, ALL])
def test_a_request_that_began_to_leave_goes_nowhere_else(ask, backup, until, reset):
    with Breaking(until, reset=reset) as first:
        outcome = run_on(ask, first.base_url, backup)
    assert first.got
    assert first.whole is (until == ALL)
    assert (outcome.error.kind, outcome.error.billed) == ("upstream", "unknown")
    assert backup.connections == 0
    (result,) = ask.vault.results()
    assert result.billed == "unknown"


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_a_host_that_hangs_up_on_everybody(ask, backup, reset):
    """Whether a byte had left by then is the network's to say: either way nothing is sent twice."""
    with Breaking(0, reset=reset) as first:
        outcome = run_on(ask, first.base_url, backup)
    if outcome.error:
        assert (outcome.error.kind, outcome.error.billed) == ("upstream", "unknown")
        assert backup.connections == 0
    else:
        assert backup.posts() == 1
        assert any("backup host" in warning for warning in outcome.warnings)


def test_a_host_that_is_away_costs_one_post_and_gives_a_picture(ask, backup):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    outcome = run_on(ask, f"http://127.0.0.1:{port}/v1", backup)
    assert len(outcome.pictures) == 1
    assert backup.posts() == 1
    assert any(f"The backup host {backup.base_url} answered." in warning for warning in outcome.warnings)


def test_no_host_at_all_costs_nothing(ask, backup):
    backup.stop()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    outcome = run_on(ask, f"http://127.0.0.1:{port}/v1", backup)
    assert (outcome.error.kind, outcome.error.billed, outcome.cost_usd) == ("upstream", "no", 0.0)
