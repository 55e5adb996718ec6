"""The one-way flow of a request. Knows order; knows no vendor, no price and no HTTP framework.

    1 authenticate → 2 open the body → 3 match a Route → 4 admit under quotas → 6 plan
    → per Attempt, until the first content: 7 outbound, 8 send, 9 inbound → 10 sink
    → 11 finally, once: settle, journal, metrics, one log line

The response cache (5) has its place between 4 and 6. The first content is the point of no return:
before it a failure falls over to the next Endpoint unseen, after it the client gets an error event.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import NamedTuple, Protocol

from providers.errors import UpstreamFailure
from providers.transform import StrictLoss
from providers.translate import Ask, Translator
from providers.upstream import Upstream
from providers.wire.codec import ListedModel
from providers.wire.envelope import Envelope, open_envelope
from providers.wire.errors import ErrorInfo, ErrorKind, Inexpressible, Unreadable
from routing.admission import admit
from routing.answers import JSON, Answers, Header, Sink, headers_of
from routing.attempts import ClientTooSlow, Opened, interruption, open_answer
from routing.closing import Books
from routing.counting import count_tokens
from routing.deadline import Deadline, Sweeper
from routing.errors import (
    BodyTimeout,
    Draining,
    ModelForbidden,
    NoRoute,
    NoTargetAvailable,
    NotListed,
    OutOfDate,
    Overloaded,
    QuotaSpent,
    Refused,
    Starting,
    Unknown,
)
from routing.exchange import Exchange, new_id, trace_id_of
from routing.limits import Limits
from routing.live import Live
from routing.log_lines import Refusal
from routing.paths import ClientCall, ClientPath
from routing.strategy import plan
from routing.table import Route
from routing.transcribing import Transcripts
from usage.keys import Caller, Unauthenticated
from usage.outcomes import OUTCOME_OF
from usage.quota import QuotaExceeded
from usage.record import id_text

CHECKPOINT_SECONDS = 2.0
CLIENT_GONE = 499
"""What the books say where the client got no whole answer, as nginx does."""
EVENT_STREAM = b"text/event-stream; charset=utf-8"
AT_ONCE = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
"""Keeps proxies before us from holding events back, nginx above all."""
REST_SECONDS = 1.0
"""How long the rest of a body may take after its terminal event, so that the connection is kept."""

log = logging.getLogger("patchbay.gateway")


class Body(Protocol):
    """A request's body, read whole under a deadline."""

    async def read(self, deadline: Deadline, idle: float, total: float) -> bytes: ...

    def let_go(self) -> None: ...


class Tools(NamedTuple):
    """What the flow works with; one worker's own."""

    live: Live
    limits: Limits
    translator: Translator
    upstream: Upstream
    transcripts: Transcripts
    sweeper: Sweeper
    books: Books


class Gateway:
    """Carries requests to providers and answers back."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._live = tools.live
        self._limits = tools.limits
        self._translator = tools.translator
        self._books = tools.books
        self.answers = Answers(tools.translator)

    async def handle(self, path: ClientPath, call: ClientCall, body: Body, sink: Sink) -> None:
        """One Exchange, from the key to the books. Raises CancelledError if the client left."""
        caller = await self._authenticate(call, sink)
        if caller is None:
            return
        deadline = self._tools.sweeper.watch(_task())
        exchange = Exchange(path.kind, path.format.value, caller, deadline, self._books.hide)
        self._live.in_flight += 1
        try:
            await self._flow(exchange, path, call, body, sink)
        except Refused as refused:
            status = self.answers.status(path.format, refused.info)
            exchange.finish(OUTCOME_OF[refused.reason], refused.reason, status)
            exchange.keep_answer(await self.answers.refuse(exchange.id, call, refused, sink))
        except UpstreamFailure as failure:
            status = self.answers.status(path.format, failure.info)
            exchange.finish("failed", failure.reason, status)
            exchange.keep_answer(await self.answers.fail(exchange, call, failure, sink))
        except ClientTooSlow:
            exchange.finish("failed", "client_too_slow", CLIENT_GONE)
            await sink.abort()
        except asyncio.CancelledError:
            if not self._was_cut(exchange):
                raise
            await sink.abort()
        except Exception:
            exchange.finish("failed", "internal", 500)
            raise
        finally:
            self._live.in_flight -= 1
            self._tools.sweeper.release(deadline)
            self._books.close(exchange)

    @staticmethod
    def _was_cut(exchange: Exchange) -> bool:
        """Whether we ended it ourselves while an answer was being written; else the client has left."""
        reason = exchange.deadline.take()
        if reason:
            exchange.finish(OUTCOME_OF[reason], reason, CLIENT_GONE)
            return True
        begun = "mid_stream" if exchange.first_content else "before_content"
        exchange.finish("abandoned", begun, CLIENT_GONE)
        return False

    async def _authenticate(self, call: ClientCall, sink: Sink) -> Caller | None:
        """The Caller, or None after the refusal went out. The body is not read."""
        if self._live.ready and not self._live.out_of_date:
            try:
                return self._live.keys.authenticate(call.headers, call.query, time.time())
            except Unauthenticated as error:
                refused: Refused = Unknown(str(error))
        else:
            refused = OutOfDate() if self._live.ready else Starting()
        identifier = id_text(new_id())
        self._books.count_refusal(
            Refusal(
                identifier,
                call.format.value,
                refused.reason,
                self.answers.status(call.format, refused.info),
                self._books.hide(call.headers.get(b"x-request-id", b"").decode("latin-1")),
                trace_id_of(call.headers),
            )
        )
        await self.answers.refuse(identifier, call, refused, sink)
        return None

    async def _flow(
        self, exchange: Exchange, path: ClientPath, call: ClientCall, body: Body, sink: Sink
    ) -> None:
        self._check_room()
        exchange.note_client(call.headers)
        envelope = await self._open(exchange, path, body)
        route = self._match(exchange, envelope, call)
        self._tools.transcripts.begin(exchange, route, envelope.body)
        strict = route.strict or exchange.caller.strict
        cap = self._admit(exchange, route, envelope, path)
        ask = Ask(path.format, envelope, call.headers, exchange.id, cap, strict)
        if path.kind == "count_tokens":
            return await self._count_tokens(exchange, route, ask, sink)
        opened = await self._try_endpoints(exchange, route, ask)
        del envelope, ask  # nobody is asked again: the body is not to outlive what is counted
        body.let_go()
        if exchange.record.stream:
            await self._stream(exchange, opened, sink)
        else:
            exchange.answered(opened.first)
            await self._answer(exchange, opened.first, [], sink)

    async def _answer(
        self, exchange: Exchange, body: bytes, more: list[Header], sink: Sink
    ) -> None:
        """Send an answer that is whole."""
        exchange.deadline.set(self._limits.client_stall, "client_too_slow")
        await sink.whole(200, [*headers_of(exchange, JSON), *more], body)
        exchange.finish("completed", "ok", 200)

    async def _count_tokens(self, exchange: Exchange, route: Route, ask: Ask, sink: Sink) -> None:
        count = await count_tokens(exchange, route, ask, self._tools)
        more = [(b"x-patchbay-estimate", b"input_tokens")] if count.estimated else []
        await self._answer(exchange, count.body, more, sink)

    async def list_models(self, call: ClientCall, sink: Sink, name: str | None = None) -> None:
        """Answer with the models that this key can ask for by name, or with the one named."""
        caller = await self._authenticate(call, sink)
        if caller is None:
            return
        listed = self._live.snapshot.table.named_models(caller.name, caller.team)
        models = [ListedModel(*pair) for pair in listed if caller.may_use(pair[0])]
        codec = self._translator.codec(call.format)
        if name is None:
            return await self.answers.give(codec.write_models(models), sink)
        for model in models:
            if model.name == name:
                return await self.answers.give(codec.write_model(model), sink)
        table = self._live.snapshot.table
        taken = table.match(name, caller.name, caller.team, call.headers) is not None
        refused = NotListed(name) if taken and caller.may_use(name) else NoRoute(name)
        await self.answers.refuse(id_text(new_id()), call, refused, sink)

    def _check_room(self) -> None:
        if self._live.draining:
            raise Draining
        if self._live.in_flight > self._limits.in_flight:
            raise Overloaded

    async def _open(self, exchange: Exchange, path: ClientPath, body: Body) -> Envelope:
        limits = self._limits
        try:
            content = await body.read(exchange.deadline, limits.body_idle, limits.body_total)
        except asyncio.CancelledError:
            reason = exchange.deadline.take()
            if reason == "body_timeout":
                raise BodyTimeout from None
            if reason == "drain_cut":
                raise Draining from None
            raise
        exchange.deadline.clear()
        exchange.record.request_bytes = len(content)
        codec = self._translator.codec(path.format)
        try:
            envelope = open_envelope(content, path.required, codec.measure)
        except Unreadable as error:
            raise _bad_request(error) from None
        exchange.note_request(envelope, codec.end_user(envelope.members))
        return envelope

    def _match(self, exchange: Exchange, envelope: Envelope, call: ClientCall) -> Route:
        caller, snapshot, model = exchange.caller, self._live.snapshot, envelope.model
        exchange.record.config_version = snapshot.number
        if not caller.may_use(model):
            raise ModelForbidden(model)
        route = snapshot.table.match(model, caller.name, caller.team, call.headers)
        if route is None:
            raise NoRoute(model)
        exchange.record.rule_name = route.name
        return route

    def _admit(
        self, exchange: Exchange, route: Route, envelope: Envelope, path: ClientPath
    ) -> int | None:
        """Reserve under the caller's quotas; returns the cap that they put on the answer's tokens."""
        codec = None if path.kind == "count_tokens" else self._translator.codec(path.format)
        try:
            admission = admit(
                self._live.quotas, exchange.caller, route, envelope, codec, time.time()
            )
        except QuotaExceeded as error:
            raise QuotaSpent(error) from None
        except Unreadable as error:
            raise _bad_request(error) from None
        exchange.reservation = admission.reservation
        exchange.prompt = envelope.prompt
        return admission.output_cap

    async def _try_endpoints(self, exchange: Exchange, route: Route, ask: Ask) -> Opened:
        """The first Endpoint whose answer has begun. Raises the last one's failure.

        An Endpoint in whose language the request cannot be said is passed over.
        """
        failure: UpstreamFailure | Refused = NoTargetAvailable(route.name)
        made = plan(route, ask.envelope.model, random.random)
        for endpoint, exchange.why in zip(made.endpoints, made.why, strict=True):
            if not endpoint.logins:
                continue
            try:
                outbound = self._translator.outbound(ask, endpoint)
                return await open_answer(exchange, outbound, self._tools, ask.envelope.stream)
            except Inexpressible as error:
                failure = _bad_request(error)
            except Unreadable as error:
                raise _bad_request(error) from None
            except UpstreamFailure as error:
                failure = error.with_traceback(None)  # its frames hold the request's body
                if not error.retryable:
                    break
        try:
            raise failure
        finally:
            del failure  # or it, its traceback and this frame would hold each other, and the body

    async def _stream(self, exchange: Exchange, opened: Opened, sink: Sink) -> None:
        """Carry a stream that has begun to its end, whatever end that is."""
        deadline, stall = exchange.deadline, self._limits.client_stall
        try:
            deadline.set(stall, "client_too_slow")
            if exchange.capture is not None:
                exchange.capture.streamed = True
            await sink.start(200, [*headers_of(exchange, EVENT_STREAM), *AT_ONCE])
            failure = await self._carry(exchange, opened, sink)
            deadline.set(stall, "client_too_slow")
            if failure is not None:
                exchange.finish("failed", failure.reason, 200)
                last = opened.lane.fail(failure.info)
                exchange.keep_answer(last)
                await sink.write(last)
                return await sink.end()
            await sink.end()
            exchange.finish("completed", "ok", 200)
            await self._read_rest(exchange, opened)
        finally:
            opened.reply.close()

    async def _carry(
        self, exchange: Exchange, opened: Opened, sink: Sink
    ) -> UpstreamFailure | None:
        """Pass on what comes until the answer ends; returns the failure that broke it, if one did."""
        lane, deadline = opened.lane, exchange.deadline
        out = opened.first
        try:
            while True:
                if out:
                    deadline.set(self._limits.client_stall, "client_too_slow")
                    await sink.write(out)
                    exchange.answered(out)
                if lane.failure is not None or lane.ended:
                    return lane.failure
                now = deadline.set(self._limits.idle, "timeout_idle")
                chunk = await opened.reply.chunk()
                out = lane.feed(chunk) if chunk else lane.finish()
                if not chunk and not out:
                    return None
                if now - exchange.checkpointed > CHECKPOINT_SECONDS:
                    self._books.checkpoint(exchange, now)
        except UpstreamFailure as failure:
            return failure
        except asyncio.CancelledError as cancelled:
            return interruption(deadline, cancelled)

    async def _read_rest(self, exchange: Exchange, opened: Opened) -> None:
        """Read what follows the terminal event, so that the connection can be used again."""
        try:
            exchange.deadline.set(REST_SECONDS, "timeout_idle")
            while not opened.reply.complete and await opened.reply.chunk():
                pass
        except UpstreamFailure:
            return
        except asyncio.CancelledError as cancelled:
            interruption(exchange.deadline, cancelled)


def _task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 — a coroutine of a server runs in a task
    return task


def _bad_request(error: Unreadable | Inexpressible) -> Refused:
    sentence = f"{error.reason[:1].upper()}{error.reason[1:].rstrip('.')}."
    info = ErrorInfo(ErrorKind.INVALID_REQUEST, 400, sentence, None, error.path or None)
    return Refused("strict_loss" if isinstance(error, StrictLoss) else "bad_request", info)
