"""Transcripts as the rows of a table. Pure."""

from __future__ import annotations

from usage.figures import duration, money
from usage.transcripts.render import LONGEST_PREVIEW, cut, preview, when
from usage.transcripts.said import said
from usage.transcripts.stored import Line

TABLE = "{:<36}  {:<19}  {:<16}  {:<24}  {:>8}  {:>8}  {:>9}  {:>9}  {:<24}  {}"
HEADS = ("Exchange", "Began (UTC)", "Key", "Model", "In", "Out", "Cost", "Time", "End", "Said last")


def heading() -> str:
    return TABLE.format(*HEADS)


def row(line: Line) -> str:
    head = line.head
    return TABLE.format(
        head.exchange_id,
        when(head.time),
        cut(head.client_key, 16),
        cut(head.request_model or head.model, 24),
        head.tokens.get("input", 0),
        head.tokens.get("output", 0),
        money(head.cost_nano),
        duration(head.total_ms),
        cut(
            head.reason if head.outcome in ("completed", "") else f"{head.outcome} ({head.reason})",
            24,
        ),
        preview(said(line)) or cut(line.head.bodies().closed, LONGEST_PREVIEW),
    ).rstrip()


def short_row(line: Line) -> str:
    return f"{line.head.exchange_id}  {when(line.head.time)}  {cut(line.head.client_key, 16)}"
