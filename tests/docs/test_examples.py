"""What the documents give to copy can be read by what it is given to."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from routing.document import SECTIONS, read
from routing.references import Known, check
from tests.docs.pages import ROOT, code, pages


def examples(language: str) -> list[Any]:
    """Every block of a language, named by its page and its number there."""
    return [
        pytest.param(text, id=f"{path.relative_to(ROOT)}-{number}")
        for path in pages()
        for number, text in enumerate(code(path, language), 1)
    ]


@pytest.mark.parametrize("text", examples("python"))
def test_python_can_be_parsed(text: str):
    ast.parse(text)


@pytest.mark.parametrize("text", examples("json"))
def test_json_can_be_parsed(text: str):
    json.loads(text)


@pytest.mark.parametrize("text", examples("sh"))
def test_shell_lines_can_be_parsed(text: str, tmp_path: Path):
    script = tmp_path / "lines.sh"
    script.write_text(re.sub(r"<[a-z ]+>", "WORD", text))
    said = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert said.stderr == ""


@pytest.mark.parametrize("text", examples("yaml"))
def test_a_configuration_can_be_applied(text: str):
    document = yaml.safe_load(text)
    if not isinstance(document, dict) or not set(document) & set(SECTIONS):
        return  # a part of a rule, or a file of another program
    entries, problems = read(document)
    assert problems + check(entries, _elsewhere(document)) == []


def _elsewhere(document: dict[str, Any]) -> Known:
    """An installation that has every provider, team and key that is not in the example itself."""
    rules = document.get("rules", [])
    targets = [target for rule in rules for target in rule["targets"]]
    own = {provider["name"] for provider in document.get("providers", [])}
    return Known(
        {
            target["provider"]: frozenset({"*"})
            for target in targets
            if target["provider"] not in own
        },
        teams=frozenset(team for rule in rules for team in rule.get("match", {}).get("teams", [])),
        client_keys=frozenset(),
        owners=frozenset(),
    )
