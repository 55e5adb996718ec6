"""What an embedding model is to search by meaning: texts in, vectors and a record for the books out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from usage.record import Record
from usage.transcripts.passages import Vector


class Embedded(NamedTuple):
    """What came of a call: a vector for each text, or a sentence that says why there are none.

    `record` is for the books, None where nobody was asked. `texts_refused` is set where other texts
    might have been taken.
    """

    vectors: list[Vector]
    record: Record | None
    problem: str = ""
    texts_refused: bool = False


Embed = Callable[[list[str]], Embedded]
