"""`manage.py conversations` in a shell: pipes, terminals, signals, exit statuses."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transcripts.lines import NOON, chat, id_at, line, live, user
from tests.transcripts.test_follow import rotate

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "manage.py", "conversations"]
REASONABLE = 60.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Without a database: asking for one would fail."""
    return {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "MODE": "development",
    }


def shell(line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which $C is the command; its status is that of the command."""
    script = f"set -o pipefail; C='{' '.join(COMMAND)}'; {line}"
    return subprocess.run(
        ["bash", "-c", script],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=REASONABLE,
    )


def test_a_reader_that_has_enough_ends_it_in_silence(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    live(tmp_path, *[line(NOON + each) for each in range(3000)])
    for action in ("list --limit 0", "export", "export --format markdown"):
        done = shell(f"$C {action} --from {tmp_path} | head -1", environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1
    gone = shell(f"$C list --limit 3 --from {tmp_path} | true", environment)  # before it began
    assert (gone.returncode, gone.stderr) == (0, "These are the newest 3; --limit 0 lists all.\n")


def test_statuses_say_how_it_went(tmp_path: Path, environment: dict[str, str]) -> None:
    one = line()
    live(tmp_path, one)
    assert shell(f"$C show {one['exchange_id']} --from {tmp_path}", environment).returncode == 0
    assert shell(f"$C list --key nobody --from {tmp_path}", environment).returncode == 0
    away = shell(f"$C show {id_at(NOON)} --from {tmp_path}", environment)
    assert (away.returncode, away.stdout) == (1, "")
    assert "Traceback" not in away.stderr
    assert shell("$C", environment).returncode == 2


def test_a_terminal_that_knows_no_unicode_is_no_reason_to_stop(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    one = line(**chat([user("Grüße 世界")], "…"))
    live(tmp_path, one)
    done = shell(
        f"PYTHONIOENCODING=ascii PYTHONUTF8=0 $C show {one['exchange_id']} --from {tmp_path}",
        environment,
    )
    assert done.returncode == 0
    assert "Gr\\xfc\\xdfe" in done.stdout


class Watch:
    """The command, running, with what it wrote so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: int) -> None:
        self.process = process
        self._out = out
        self.seen = b""

    def until(self, text: str) -> None:
        end = time.monotonic() + REASONABLE
        while text.encode() not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self._out], [], [], 0.2)[0]:
                piece = os.read(self._out, 65536)
                assert piece, self.seen
                self.seen += piece


@pytest.fixture
def following(tmp_path: Path, environment: dict[str, str]) -> Iterator[Watch]:
    command = [*COMMAND, "follow", "--key", "alice", "--from", str(tmp_path / "logs")]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        yield Watch(process, process.stdout.fileno())
        process.kill()


def test_follow_shows_what_is_written_until_it_is_interrupted(
    tmp_path: Path, following: Watch
) -> None:
    following.until("Waiting for the first.")
    logs = tmp_path / "logs"
    live(
        logs,
        line(**chat([user("First?")], "One.")),
        line(client_key="bob", **chat([user("Hidden?")], "x")),
    )
    following.until("One.")
    rotate(logs, NOON)
    live(logs, line(**chat([user("Second?")], "Two.")))
    following.until("Two.")
    following.process.send_signal(signal.SIGINT)
    assert following.process.wait(REASONABLE) == 0
    assert b"Hidden?" not in following.seen
    assert b"Traceback" not in following.seen


def test_follow_says_from_when_on_it_shows_what_is_written(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    logs = tmp_path / "logs"
    live(logs, line(**chat([user("First?")], "One.")))
    command = [*COMMAND, "follow", "--from", str(logs)]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        watch = Watch(process, process.stdout.fileno())
        watch.until(f"What is written in {logs} from now on; Ctrl+C ends it.")
        live(logs, line(**chat([user("Second?")], "Two.")))
        watch.until("Two.")
        process.kill()
    assert b"One." not in watch.seen


def test_a_long_scan_tells_a_terminal_how_far_it_is(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    outer, inner = pty.openpty()
    live(tmp_path / "logs", *[line(NOON + each) for each in range(3000)])
    command = [*COMMAND, "export", "--from", str(tmp_path / "logs")]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=inner
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read(1)
        time.sleep(2)  # nobody reads on, so the scan is long
        out += process.stdout.read()
        watch = Watch(process, outer)
        watch.until("% of ")
        watch.until("\x1b[K")
    assert out.count(b"\n") == 3000
    os.close(outer)
    os.close(inner)
