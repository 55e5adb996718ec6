"""What `manage.py serve` refuses, each in a sentence that says what to type."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from proxyproject.first_run import keep, readme_start, snippets
from tests.databases import apart, sqlite, use_database
from tests.server.process import PROJECT, environment, running


@pytest.fixture
def serve(database):
    """Asks for the command where it cannot get as far as serving."""

    def call(**options) -> str:
        with pytest.raises(CommandError) as refused:
            apart(lambda: call_command("serve", **{"port": 0, **options}))
        return str(refused.value)

    return call


def test_a_taken_port_is_named_with_the_next_one(serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} is taken; type `make run PORT={port + 1}`" in serve(port=port)


def test_a_free_port_is_checked_and_left(database):
    call_command("serve", port=0, check=True)


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_refused(host, serve):
    assert f"Cannot listen on {host}" in serve(host=host)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_an_impossible_port_is_refused(port, serve):
    assert "choose others with --host and --port" in serve(port=port)


@pytest.mark.parametrize("workers", [0, 65])
def test_an_impossible_number_of_workers_is_refused(workers, serve):
    assert "between 1 and 64" in serve(workers=workers)


def limit_requests() -> None:
    from usage.models import Quota, Team

    team = Team.objects.create(name="research")
    Quota.objects.create(team=team, metric="requests", window="minute", amount=Decimal(5))


def show_worker(host: str, pid: int) -> None:
    from routing.models import Worker

    Worker.objects.create(id=uuid4(), host=host, pid=pid, heartbeat_at=timezone.now())


def test_several_workers_are_refused_while_a_quota_is_counted_in_one(serve):
    apart(limit_requests)
    assert "--workers 1" in serve(workers=2)


@pytest.mark.parametrize("host", ["elsewhere", socket.gethostname()])
def test_a_second_process_is_refused_while_a_quota_is_counted_in_one(serve, host):
    apart(limit_requests)
    with subprocess.Popen(["sleep", "60"]) as other:
        apart(lambda: show_worker(host, other.pid))
        assert f"another one is serving already ({other.pid} on {host})" in serve()
        other.kill()


async def test_what_was_killed_on_this_host_keeps_nobody_from_serving(chaos, database):
    await asyncio.to_thread(apart, limit_requests)
    with subprocess.Popen(["true"]) as killed:  # noqa: ASYNC220
        killed.wait()
    await asyncio.to_thread(apart, lambda: show_worker(socket.gethostname(), killed.pid))
    async with running(chaos, database) as gateway:
        assert (await gateway.get("/livez")).status == 200


def test_a_database_without_tables_is_named(tmp_path, django_db_blocker):
    with django_db_blocker.unblock(), use_database(sqlite(tmp_path / "empty.db")):
        with pytest.raises(CommandError, match="manage.py migrate"):
            apart(lambda: call_command("serve", port=0))


async def test_commands_name_the_port_that_was_served_last(chaos, database):
    async with running(chaos, database, PUBLIC_URL="") as gateway:
        said = await asyncio.to_thread(bootstrap_again, database, PUBLIC_URL="")
        assert f"http://localhost:{gateway.port}/admin/" in said
        public = "https://gateway.example"
        said = await asyncio.to_thread(bootstrap_again, database, PUBLIC_URL=public)
        assert f"{public}/admin/" in said


async def test_the_lines_that_were_kept_name_the_port_that_is_served(chaos, database):
    lines = database.with_name("var") / "first-run"
    old = snippets("http://localhost:8000", "pbk_x")
    keep(lines, old, f"{readme_start('http://localhost:8000')}, while it is serving.")
    async with running(chaos, database, PUBLIC_URL="") as gateway:
        for path in lines.iterdir():
            assert f"http://localhost:{gateway.port}" in path.read_text()
            assert "http://localhost:8000" not in path.read_text()


def bootstrap_again(database, **settings) -> str:
    command = [sys.executable, "manage.py", "bootstrap", "--reset-admin"]
    return subprocess.check_output(
        command, cwd=PROJECT, env=environment(database, **settings), text=True
    )
