"""PostgreSQL that vanishes without a word: every connection of ours notices by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import POSTGRES
from tests.docs.pages import ROOT

LOOK = """
import json, os, socket
import django
django.setup()
from django.db import connection
from usage.store import open_store, own_connection

def options(descriptor):
    with socket.socket(fileno=os.dup(descriptor)) as looked_at:
        tcp = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT]
        kept_alive = looked_at.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        return [kept_alive, *(looked_at.getsockopt(socket.IPPROTO_TCP, name) for name in tcp)]

connection.ensure_connection()
books = own_connection()
open_store(books)
found = [options(connection.connection.fileno()), options(books.connection.fileno())]
print(json.dumps([*found, connection.pool._check is not None]))
connection.close()
connection.close_pool()
books.close()
"""


@pytest.mark.postgres
def test_a_network_that_swallows_packets_is_noticed_on_every_connection():
    place = os.environ.get(POSTGRES, "")
    ended = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "proxyproject.settings",
            "DATABASE_URL": place,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    every, books, checked = json.loads(ended.stdout)
    assert every == books == [1, 5, 2, 3, 10_000]
    assert checked
