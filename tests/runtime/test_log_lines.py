"""The lines of the log: none is lost between two threads."""

from __future__ import annotations

import os
import sys
import threading

from routing.log_lines import LogLines


def test_no_line_is_lost_to_the_thread_that_writes():
    read, write = os.pipe()
    lines, wanted, found = LogLines(write), 40_000, bytearray()
    reader = threading.Thread(target=lambda: found.extend(read_all(read)))
    reader.start()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    ended = threading.Event()

    def flush() -> None:
        while not ended.is_set():
            lines._flush()

    flusher = threading.Thread(target=flush)
    flusher.start()
    try:
        for number in range(wanted):
            lines.refusal(0, str(number), "none")
    finally:
        sys.setswitchinterval(before)
        ended.set()
        flusher.join()
    lines._flush()
    os.close(write)
    reader.join()
    os.close(read)
    assert found.count(b"\n") + lines.dropped == wanted


def read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 2**16):
        parts.append(part)
    return b"".join(parts)
