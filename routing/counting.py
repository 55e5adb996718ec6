"""Count a prompt's tokens: the provider's own count where it has one, else an estimate that says so."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from providers.errors import Invalid, Rejected, UpstreamFailure
from providers.meter import estimate_tokens
from providers.rejection import judge
from routing.attempts import interruption
from routing.errors import NoTargetAvailable
from routing.strategy import plan

if TYPE_CHECKING:
    from providers.endpoint import Endpoint
    from providers.http1 import Reply
    from providers.translate import Ask
    from providers.wire.codec import Codec
    from routing.exchange import Exchange
    from routing.gateway import Tools
    from routing.table import Route

LARGEST_COUNT_ANSWER = 2**20
HAVE_NO_COUNT = frozenset({*range(300, 400), 404, 405, 501})
"""How servers answer that speak Messages, but do not have this path."""


class Counted(msgspec.Struct):
    """What an answer must have to be one."""

    input_tokens: Annotated[int, msgspec.Meta(ge=0)]


class Count(NamedTuple):
    """`body` answers the client; `estimated` says that no provider counted."""

    body: bytes
    estimated: bool


_counted = msgspec.json.Decoder(Counted)


async def count_tokens(exchange: Exchange, route: Route, ask: Ask, tools: Tools) -> Count:
    """Raises UpstreamFailure where a provider refuses the prompt itself, NoTargetAvailable."""
    made = plan(route, ask.envelope.model, random.random)
    usable = [pair for pair in zip(made.endpoints, made.why, strict=True) if pair[0].logins]
    if not usable:
        raise NoTargetAvailable(route.name)
    for endpoint, exchange.why in usable:
        try:
            body = await _native(exchange, ask, endpoint, tools)
        except UpstreamFailure as failure:
            if isinstance(failure, Rejected) and not failure.retryable:
                raise
            continue
        if body is None:
            break
        return Count(body, estimated=False)
    tokens = estimate_tokens(ask.envelope.prompt)
    return Count(msgspec.json.encode({"input_tokens": tokens}), estimated=True)


async def _native(exchange: Exchange, ask: Ask, endpoint: Endpoint, tools: Tools) -> bytes | None:
    """The Endpoint's own answer; None if it has no count of its own."""
    login = endpoint.login()
    request = tools.translator.count_tokens(ask, endpoint, login)
    if request is None:
        return None
    exchange.begin_attempt(endpoint, login, ask.format.value)
    exchange.deadline.set(tools.limits.first_content, "timeout_first")
    try:
        reply = await tools.upstream.send(request)
        exchange.attempt_status = reply.status
        try:
            body = await reply.body(LARGEST_COUNT_ANSWER)
        finally:
            reply.close()
    except UpstreamFailure as failure:
        exchange.end_attempt(failure.reason, failure.detail)
        raise
    except asyncio.CancelledError as cancelled:
        exchange.end_attempt("cancelled")
        raise interruption(exchange.deadline, cancelled) from None
    wrong = _wrong(reply, body, tools.translator.codec(ask.format), login.secret)
    if wrong is None:
        exchange.end_attempt("ok")
        return body
    exchange.end_attempt(wrong.reason, wrong.detail)
    if reply.status in HAVE_NO_COUNT:
        return None
    raise wrong


def _wrong(reply: Reply, body: bytes, codec: Codec, secret: str) -> UpstreamFailure | None:
    """What is wrong with an answer; None if it is a count."""
    if reply.status >= 400:
        return judge(reply.status, body, reply.headers, codec, secret, same_format=True)
    if reply.status != 200:
        return Invalid(f"status {reply.status} where an answer was expected")
    try:
        _counted.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Invalid("it is no count of tokens")
    return None
