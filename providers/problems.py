"""What is wrong with a configuration: problems with their paths, raised all at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

NOUNS = {
    "providers": "provider",
    "redaction_patterns": "redaction pattern",
    "rules": "rule",
    "targets": "target",
    "credentials": "credential",
    "deployments": "deployment",
    "base_url": "base URL",
    "adapter": "vendor",
    "upstream_model": "model",
}
"""Members whose word on the pages is another one."""

_step = re.compile(r"(\w+)(?:\[(.*?)\])?(?:\.(?=\w)|$)")


class Problem(NamedTuple):
    """One mistake: the path of the member (`rules[0].targets[1].provider`) and a sentence."""

    path: str
    message: str

    @property
    def field(self) -> str:
        """The last member of the path that has a name, for a form that shows one field."""
        return self.path.rpartition(".")[2].partition("[")[0]

    @property
    def spoken(self) -> str:
        """For the pages: `rules[GPT].targets[0].weight` is “Rule “GPT”, target 1, weight”."""
        steps = [_said(*step.groups()) for step in _step.finditer(self.path)]
        words = ", ".join(steps)
        return f"{words[0].upper()}{words[1:]}: {self.message}" if words else self.message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def _said(member: str, entry: str | None) -> str:
    noun = NOUNS.get(member, member.replace("_", " "))
    if entry is None:
        return noun
    counted = entry.isdigit() and member not in ("providers", "rules")
    return f"{noun} {int(entry) + 1}" if counted else f"{noun} “{entry}”"


class DocumentInvalid(Exception):
    """A configuration that cannot work. `problems` are all mistakes, in the document's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
