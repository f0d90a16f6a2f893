"""One client's socket: a pause ends as soon as the client leaves or the simulator stops."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from gpt4o_image.simulator.connection import ClientGone, Connection, Stopping


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket, Connection, socket.socket]]:
    client, served = socket.socketpair()
    wake, waker = socket.socketpair()
    with client, served, wake, waker:
        yield client, served, Connection(served, wake), waker


def test_a_pause_passes(pair):
    _, _, connection, _ = pair
    connection.wait(0.01)


def test_a_pause_ends_with_the_client(pair):
    client, _, connection, _ = pair
    threading.Timer(0.02, client.close).start()
    with pytest.raises(ClientGone):
        connection.wait(None)


def test_a_pause_ends_with_the_simulator(pair):
    _, _, connection, waker = pair
    threading.Timer(0.02, waker.close).start()
    with pytest.raises(Stopping):
        connection.wait(None)


def test_an_early_next_request_is_left_for_later(pair):
    client, served, connection, _ = pair
    client.sendall(b"GET")
    connection.wait(0.02)
    assert served.recv(9) == b"GET"


def test_writing(pair):
    client, _, connection, _ = pair
    connection.send_chunk(b"hello")
    assert client.recv(99) == b"5\r\nhello\r\n"
    client.close()
    with pytest.raises(ClientGone):
        connection.send(bytes(1 << 24))
