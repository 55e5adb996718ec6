"""A vendor's server on loopback that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Vendor:
    status: int = 200
    body: bytes = b""
    location: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def offer(self, *models: str) -> None:
        self.status = 200
        self.body = json.dumps({"data": [{"id": model} for model in models]}).encode()


@contextmanager
def open_vendor() -> Iterator[Vendor]:
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            vendor.asked.append((self.path, headers))
            self.send_response(vendor.status)
            if vendor.location:
                self.send_header("location", vendor.location)
            self.send_header("content-length", str(len(vendor.body)))
            self.end_headers()
            self.wfile.write(vendor.body)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield vendor
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
