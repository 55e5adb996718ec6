"""The lock of a file: one process at a time, also when the file under it was removed meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.logs.shelf import PATIENCE, wait_until
from usage.log_lock import locked


def test_who_does_not_wait_is_told_that_another_holds_it(tmp_path: Path):
    lock = tmp_path / "lock"
    with locked(lock) as first, locked(lock, wait=False) as second:
        assert (first, second) == (True, False)
    with locked(lock, wait=False) as third:
        assert third


def test_who_waited_for_a_file_that_is_gone_holds_the_one_that_came_after_it(tmp_path: Path):
    lock, done, held = tmp_path / "lock", threading.Event(), threading.Event()

    def wait() -> None:
        with locked(lock):
            held.set()
            done.wait(PATIENCE)

    waiter = threading.Thread(target=wait)
    with locked(lock):
        waiter.start()
        wait_until(lambda: waits_for(lock), "the wait")
        lock.unlink()
        lock.touch()
    assert held.wait(PATIENCE)
    with locked(lock, wait=False) as second:
        assert not second, "two hold it"
    done.set()
    waiter.join()


def waits_for(lock: Path) -> bool:
    """Whether somebody waits for the lock of this file, as the kernel tells."""
    inode = f":{lock.stat().st_ino} "
    table = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and inode in line for line in table)
