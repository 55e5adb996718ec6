"""What `make` says on a machine that lacks something, and how the locks look."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SHELL_TOOLS = ("sh", "rm", "make", "awk", "touch", "env", "cat")


class Machine:
    """A directory of programs that is the whole PATH, and a copy of what make needs."""

    def __init__(self, root: Path) -> None:
        self.programs = root / "bin"
        self.checkout = root / "checkout"
        self.programs.mkdir()
        shutil.copytree(PROJECT / "scripts", self.checkout / "scripts")
        for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
            shutil.copy(PROJECT / name, self.checkout)
        for tool in SHELL_TOOLS:
            (self.programs / tool).symlink_to(shutil.which(tool) or tool)

    def has(self, name: str, script: str) -> None:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.checkout,
            env={"PATH": str(self.programs), "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


OLD = 'case "$1" in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac'
NO_VENV = """case "$2" in
*ensurepip*) exit 1 ;;
*print*) echo python3.11-venv ;;
esac"""


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that is said, besides make's own."""
    assert done.returncode != 0
    [said] = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    return said


def test_a_run_names_its_port_to_whatever_prints_it_also_with_an_environment_file(machine):
    bin_ = machine.checkout / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_.parent / "runtime.stamp").touch()
    (bin_ / "python").write_text('#!/bin/sh\necho "$PUBLIC_URL" "$@"\n')
    (bin_ / "python").chmod(0o755)
    (machine.checkout / ".env").write_text("LOG_LEVEL=info\n")
    ran = [line.strip() for line in machine.make("run", "PORT=8137").stdout.splitlines()]
    assert "manage.py bootstrap --port 8137" in ran
    assert ran[-1] == "manage.py serve --host 127.0.0.1 --port 8137"


def test_an_old_python_ends_in_a_sentence_that_says_what_to_type(machine):
    machine.has("python3", OLD)
    said = sentence(machine.make("run"))
    assert "3.11 or newer" in said
    assert "Python 3.9.2" in said
    assert "make run PYTHON=python3.11" in said


def test_no_python_at_all_does_too(machine):
    assert "none was found" in sentence(machine.make("run"))


def test_a_python_that_was_asked_for_is_taken_or_refused_never_replaced(machine):
    machine.has("python3", "exit 0")
    machine.has("python3.9", OLD)
    assert "python3.9 is Python 3.9.2" in sentence(machine.make("test", "PYTHON=python3.9"))


def test_an_old_python3_is_passed_over_for_a_newer_one(machine):
    machine.has("python3", OLD)
    machine.has("python3.12", NO_VENV)
    assert sentence(machine.make("run")).startswith("python3.12 has no venv module")


def test_a_missing_venv_module_names_its_package(machine):
    machine.has("python3", NO_VENV)
    assert "sudo apt install python3.11-venv" in sentence(machine.make("run"))


def test_help_lists_every_target(machine):
    done = machine.make("help")
    assert done.returncode == 0
    listed = set(re.findall(r"^  make (\S+)", done.stdout, re.MULTILINE))
    targets = re.findall(r"^\.PHONY: (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert listed == set(" ".join(targets).split())


def test_make_alone_is_help(machine):
    assert machine.make().stdout == machine.make("help").stdout


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_pins_and_hashes_everything_and_names_no_index(name):
    entries = re.split(r"(?<!\\)\n", (PROJECT / name).read_text().strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert "://" not in (PROJECT / name).read_text()


def test_the_development_lock_holds_the_runtime_as_it_is():
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", (PROJECT / name).read_text(), re.MULTILINE))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")
