"""The hooks of a commit, run by git itself in a repository of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PRECOMMIT = PROJECT / ".venv" / "bin" / "pre-commit"
WARD = "https://github.com/phrazzld/ward"
OUTSIDE_WARD = "ruff,ruff-format,mypy,conventional-commit"

WARD_HOOKS = """
- {id: ward-check, name: check, entry: check.sh, language: script, pass_filenames: false}
- {id: ward-log, name: log, entry: log.sh, language: script, pass_filenames: false}
"""

pytestmark = pytest.mark.skipif(not PRECOMMIT.exists(), reason="pre-commit is not in .venv")


class Repository:
    """A repository with our hooks; GitHub is a directory that may or may not hold ward."""

    def __init__(self, root: Path) -> None:
        self.path = root / "checkout"
        self.github = root / "github"
        self.log = root / "log"
        self.programs = root / "bin"
        self.programs.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(root / "store"),
            "HOME": str(root),  # pre-commit takes GIT_… variables away before it clones
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        (root / ".gitconfig").write_text(
            f'[url "{self.github}"]\n  insteadOf = {WARD}\n'
            "[user]\n  name = Alice\n  email = alice@example.org\n[init]\n  defaultBranch = main\n"
        )
        self.path.mkdir()
        self.git("init", "--quiet")
        shutil.copytree(PROJECT / "scripts", self.path / "scripts")
        (self.path / ".venv").symlink_to(PROJECT / ".venv")
        for name in (".pre-commit-config.yaml", ".pre-commit-ward.yaml", "pyproject.toml"):
            shutil.copy(PROJECT / name, self.path)
        self.git("add", "--all")
        self.run(str(PRECOMMIT), "install")

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def git(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run("git", *arguments, **more)

    def commit(self, subject: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.git("commit", "--message", subject, **more)

    def has_claude(self) -> None:
        program = self.programs / "claude"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)

    def github_has_ward(self, check: str) -> None:
        """A repository at ward's place whose check does what the test wants."""
        self.github.mkdir()
        scripts = {"check.sh": check, "log.sh": f"echo logged >> {self.log}"}
        for name, script in scripts.items():
            (self.github / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.github / name).chmod(0o755)
        (self.github / ".pre-commit-hooks.yaml").write_text(WARD_HOOKS)
        at = ("-C", str(self.github))
        self.git(*at, "init", "--quiet")
        self.git(*at, "add", "--all")
        self.git(*at, "commit", "--quiet", "--no-verify", "--message", "ward")
        head = self.git(*at, "rev-parse", "HEAD").stdout.strip()
        config = self.path / ".pre-commit-ward.yaml"
        lines = config.read_text().splitlines()
        pinned = [f"    rev: {head}" if "rev:" in line else line for line in lines]
        config.write_text("\n".join(pinned) + "\n")
        self.git("add", "--all")


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path)


def test_a_subject_must_be_conventional(repository):
    refused = repository.commit("Some changes", SKIP="mypy,ruff,ruff-format")
    assert refused.returncode != 0
    assert "Conventional Commits" in refused.stderr
    assert repository.commit("feat: some changes", SKIP="mypy,ruff,ruff-format").returncode == 0


def test_what_ruff_refuses_is_not_committed(repository):
    (repository.path / "wrong.py").write_text("import os\n")
    repository.git("add", "wrong.py")
    refused = repository.commit("feat: something wrong", SKIP="mypy")
    assert refused.returncode != 0
    assert "F401" in refused.stderr


def test_without_a_claude_nothing_is_reviewed(repository):
    repository.github_has_ward("echo '[WARD CHECK FAILED]'; exit 1")
    assert repository.commit("feat: this", SKIP=OUTSIDE_WARD).returncode == 0


@pytest.mark.parametrize("missing", ["github", "cli"])
def test_a_commit_goes_through_where_github_or_the_cli_is_away(missing, repository):
    repository.has_claude()
    if missing == "cli":
        repository.github_has_ward("echo 'Error: Failed to run Claude CLI.'; exit 1")
    done = repository.commit("feat: this", SKIP=OUTSIDE_WARD)
    assert done.returncode == 0, done.stderr
    assert "without" in done.stderr


def test_wards_own_refusal_stops_a_commit_and_is_shown(repository):
    repository.has_claude()
    repository.github_has_ward("echo '[WARD CHECK FAILED]'; echo 'Too clever.'; exit 1")
    refused = repository.commit("feat: this", SKIP=OUTSIDE_WARD)
    assert refused.returncode != 0
    assert "Too clever." in refused.stderr
    assert repository.commit("feat: this", SKIP=f"{OUTSIDE_WARD},ward-check").returncode == 0


def test_a_warning_is_shown_the_commit_made_and_logged(repository):
    repository.has_claude()
    repository.github_has_ward("echo '[WARD CHECK WARNING]'; echo 'Hm.'")
    done = repository.commit("feat: this", SKIP=OUTSIDE_WARD)
    assert done.returncode == 0, done.stderr
    assert "Hm." in done.stderr
    assert repository.log.read_text() == "logged\n"


def test_continuous_integration_is_not_reviewed(repository):
    repository.has_claude()
    repository.github_has_ward("echo '[WARD CHECK FAILED]'; exit 1")
    assert repository.commit("feat: this", SKIP=OUTSIDE_WARD, CI="1").returncode == 0
