"""One Attempt: send, and read on until the first content or the failure is known."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from providers.errors import Invalid, TimedOut, Unreachable, UpstreamFailure
from providers.http1 import Reply
from providers.rejection import read_rejection
from providers.translate import Lane, Outbound
from providers.wire.errors import ErrorInfo, ErrorKind

if TYPE_CHECKING:
    from routing.deadline import Deadline
    from routing.exchange import Exchange
    from routing.gateway import Tools
    from routing.limits import Limits

MOST_HELD_BYTES = 256 * 2**10
NO_STREAM = ("application/json", "text/html")
"""Other types may be a stream that says so badly."""


class Opened(NamedTuple):
    """An answer whose first content is in hand: the client may be answered now.

    The request is not in it, so that its body can go.
    """

    reply: Reply
    lane: Lane
    first: bytes


class ClientTooSlow(Exception):
    """The client does not read what is written to it."""


class DrainCut(UpstreamFailure):
    """The process goes down before the answer is complete."""

    reason = "drain_cut"
    retryable = False

    def __init__(self) -> None:
        message = "The gateway was restarted before the answer was complete."
        super().__init__(ErrorInfo(ErrorKind.OVERLOADED, 503, message, "drain_cut"))


def interruption(deadline: Deadline, cancelled: asyncio.CancelledError) -> UpstreamFailure:
    """What a CancelledError means. Raises it again if it was not ours, ClientTooSlow if it was that."""
    reason = deadline.take()
    if reason == "client_too_slow":
        raise ClientTooSlow
    if reason == "drain_cut":
        return DrainCut()
    if reason:
        return TimedOut(reason)
    raise cancelled


async def open_answer(exchange: Exchange, outbound: Outbound, tools: Tools, stream: bool) -> Opened:
    """Send, and read on until the first content. Raises UpstreamFailure.

    Servers close kept connections when they like: one that was closed under us gets a second Attempt,
    on a new one.
    """
    try:
        return await _attempt(exchange, outbound, tools, stream)
    except Unreachable as failure:
        if not failure.stale:
            raise
    exchange.why = "sent again"
    return await _attempt(exchange, outbound, tools, stream, fresh=True)


async def _attempt(
    exchange: Exchange, outbound: Outbound, tools: Tools, stream: bool, fresh: bool = False
) -> Opened:
    """Make one Attempt and write it down."""
    _set_deadline(exchange, tools.limits, stream)
    exchange.begin_attempt(outbound.endpoint, outbound.login, outbound.format.value)
    exchange.meter = outbound.lane.meter
    exchange.note_translation(outbound.losses, outbound.edits)
    if exchange.capture is not None and exchange.capture.limit:
        exchange.capture.asked = None if outbound.asks_the_same else outbound.request.body
    tools.books.attempt(exchange)
    try:
        opened = await _open(exchange, outbound, tools, stream, fresh)
    except UpstreamFailure as failure:
        exchange.end_attempt(failure.reason, failure.detail)
        raise
    except asyncio.CancelledError:
        exchange.end_attempt("cancelled")
        raise
    exchange.end_attempt("ok")
    return opened


def _set_deadline(exchange: Exchange, limits: Limits, stream: bool) -> None:
    """Each Attempt has its time to bring content; a whole answer has one time for all of them."""
    if stream:
        exchange.deadline.set(limits.first_content, "timeout_first")
        return
    left = exchange.began + limits.total - monotonic()
    if left <= 0:
        raise TimedOut("timeout_total")
    exchange.deadline.set(left, "timeout_total")


async def _open(
    exchange: Exchange, outbound: Outbound, tools: Tools, stream: bool, fresh: bool
) -> Opened:
    limit = tools.limits.answer_bytes
    try:
        reply = await tools.upstream.send(outbound.request, fresh)
        exchange.attempt_status = reply.status
        try:
            if reply.status != 200:
                raise await read_rejection(reply, outbound, limit)
            if stream:
                first = await _until_content(reply, outbound.lane)
            else:
                first = outbound.lane.whole(await reply.body(limit))
                reply.close()
        except BaseException:
            reply.close()
            raise
    except asyncio.CancelledError as cancelled:
        raise interruption(exchange.deadline, cancelled) from None
    exchange.content_began()
    return Opened(reply, outbound.lane, first)


async def _until_content(reply: Reply, lane: Lane) -> bytes:
    """Hold lifecycle frames back until the first content. Raises Invalid beyond what is held."""
    kind = reply.headers.get("content-type", "").lower()
    if kind.startswith(NO_STREAM):
        raise Invalid("a whole answer came where a stream was asked for")
    held: list[bytes] = []
    size = 0
    while size < MOST_HELD_BYTES:
        chunk = await reply.chunk()
        out = lane.feed(chunk) if chunk else lane.finish()
        held.append(out)
        size += len(out)
        if lane.failure is not None and not lane.content:
            raise lane.failure
        if lane.content or lane.ended or not chunk:
            if not lane.content and not lane.meter.watcher.finish:
                raise Invalid("it ended without content and without a stop reason")
            return b"".join(held)
    raise Invalid(f"{MOST_HELD_BYTES} bytes came before any content")
