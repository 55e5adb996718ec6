"""Which Exchange this task works on: every line of the log that is written meanwhile bears its id."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class Marks(NamedTuple):
    """`trace_id` is that of the client's `traceparent`; each is "" where there is none."""

    exchange_id: str = ""
    trace_id: str = ""


NONE = Marks()
marks: ContextVar[Marks] = ContextVar("marks", default=NONE)
"""Set anew when a request comes in: one that a client sent ahead begins in the task of the one before."""
