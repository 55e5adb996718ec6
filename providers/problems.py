"""What is wrong with a configuration: problems with their paths, raised all at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One mistake: the path of the member (`rules[0].targets[1].provider`) and a sentence."""

    path: str
    message: str

    @property
    def field(self) -> str:
        """The last member of the path that has a name, for a form that shows one field."""
        return self.path.rpartition(".")[2].partition("[")[0]

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentInvalid(Exception):
    """A configuration that cannot work. `problems` are all mistakes, in the document's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
