"""Servers that are asked beside the requests of clients are not waited for without end."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import httpx
import pytest

from providers.asking import CannotReach, Question, ask


@pytest.mark.parametrize(
    ("at_once", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["its answer", "a header", "headers", "early hints"],
)
def test_a_server_that_drips_is_not_read_for_longer_than_is_said(at_once: bytes, drop: bytes):
    """Each piece comes in time; all of them together do not."""

    def drip() -> None:
        client, _ = server.accept()
        until = time.monotonic() + 5
        with client, suppress(OSError):
            client.recv(65536)
            client.sendall(at_once)
            while time.monotonic() < until:
                client.sendall(drop)
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip)
        thread.start()
        url = httpx.URL(f"http://127.0.0.1:{server.getsockname()[1]}/")
        question = Question(url, {}, allow_private=True, seconds=0.5, largest=10**6, too_large="")
        began = time.monotonic()
        with pytest.raises(CannotReach, match="did not answer within") as failure:
            ask(question)
        took = time.monotonic() - began
        thread.join()
    assert failure.value.reason == "timeout_total"
    assert took < 2
