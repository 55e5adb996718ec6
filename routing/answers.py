"""Answers that are made here: refusals, failures and lists, in the format of the client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from providers.errors import Rejected, UpstreamFailure
from providers.translate import Translator
from providers.wire.codec import WireFormat
from providers.wire.errors import ErrorInfo
from routing import in_hand
from routing.errors import Refused
from routing.exchange import Exchange, new_id
from routing.paths import ClientCall
from usage.record import id_text

Header = tuple[bytes, bytes]

JSON = b"application/json"
LONGEST_LIST = 1024
PRINTABLE = bytes(byte if 0x20 <= byte <= 0x7E else ord("?") for byte in range(256))
"""Control characters to question marks, the others to themselves."""


class Sink(Protocol):
    """Where an answer goes."""

    @property
    def started(self) -> bool: ...

    async def whole(self, status: int, headers: list[Header], body: bytes) -> None: ...

    async def start(self, status: int, headers: list[Header]) -> None: ...

    async def write(self, chunk: bytes) -> None: ...

    async def end(self) -> None: ...

    async def abort(self) -> None: ...


class Answers:
    """Writes what the gateway itself has to say."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    def status(self, client_format: WireFormat, info: ErrorInfo) -> int:
        """The HTTP status that an error has in a format."""
        return self._translator.codec(client_format).error_status(info)

    async def refuse(
        self, identifier: str, call: ClientCall, refused: Refused, sink: Sink
    ) -> bytes:
        """Returns what the client is told."""
        headers = _wait(refused.retry_after)
        if refused.should_retry is not None:
            headers.append((b"x-should-retry", b"true" if refused.should_retry else b"false"))
        return await self.say(identifier, call, refused.info, headers, sink)

    async def fail(
        self, exchange: Exchange, call: ClientCall, failure: UpstreamFailure, sink: Sink
    ) -> bytes:
        """Nothing of an answer has gone out: the failure is the answer. Returns what the client is told.

        A provider that speaks the client's format is quoted in its own words.
        """
        if not isinstance(failure, Rejected):
            return await self.say(exchange.id, call, failure.info, [], sink)
        headers = _wait(failure.retry_after)
        if failure.body is None:
            return await self.say(exchange.id, call, failure.info, headers, sink)
        headers += _named(exchange.id)
        await sink.whole(failure.info.status, headers, failure.body)
        return failure.body

    async def say(
        self, identifier: str, call: ClientCall, info: ErrorInfo, headers: list[Header], sink: Sink
    ) -> bytes:
        """An error, in the words of the client's format."""
        codec = self._translator.codec(call.format)
        headers += _named(identifier)
        body = codec.write_error(info, identifier)
        await sink.whole(codec.error_status(info), headers, body)
        return body

    async def refuse_call(
        self, call: ClientCall, info: ErrorInfo, sink: Sink, headers: Sequence[Header] = ()
    ) -> None:
        """Answer a call that is no Exchange: an unknown path, a wrong method; or a defect of ours in one."""
        if not sink.started:
            identifier = in_hand.marks.get().exchange_id or id_text(new_id())
            await self.say(identifier, call, info, list(headers), sink)

    async def give(self, body: bytes, sink: Sink) -> None:
        """JSON that is no Exchange's."""
        await sink.whole(200, _named(id_text(new_id())), body)


def headers_of(exchange: Exchange, content_type: bytes) -> list[Header]:
    """What a client is told beside the answer: the id, what was changed and what was lost."""
    record = exchange.record
    headers = [(b"content-type", content_type), (b"x-request-id", exchange.id.encode())]
    if record.edits:
        headers.append((b"x-patchbay-edits", _listed(record.edits)))
    if record.losses:
        headers.append((b"x-patchbay-loss", _listed(path for path, _ in record.losses)))
    return headers


def _listed(names: Iterable[str]) -> bytes:
    """Names in one line of bounded length. A client chose some of them: what no header may have is a ?."""
    return ", ".join(names).encode("ascii", "replace").translate(PRINTABLE)[:LONGEST_LIST]


def _named(identifier: str) -> list[Header]:
    return [(b"content-type", JSON), (b"x-request-id", identifier.encode())]


def _wait(seconds: float | None) -> list[Header]:
    return [] if seconds is None else [(b"retry-after", b"%d" % max(1, round(seconds)))]
