"""The observe lane: client and provider speak alike, so the client gets the provider's own bytes."""

from __future__ import annotations

from providers.errors import Invalid, Truncated, UpstreamFailure
from providers.meter import Meter, TextMeter
from providers.rejection import hide, judge_event
from providers.wire.codec import Codec
from providers.wire.errors import BadAnswer, ErrorInfo, FrameTooLarge
from providers.wire.sse import Splitter, after_event, before_last_events
from providers.wire.watch import MOST_BROKEN_EVENTS, Sight

LONG_READ = 4096
"""Bytes. A longer read holds enough events for looking at most of them at once to pay."""
FIRST_EVENTS = 4
LAST_EVENTS = 3
"""Looked at singly: a stream's beginning, until text comes, and what may be its end."""


class Observe:
    """See providers.translate.Lane.

    The only event that is left out is the usage event that nobody but us asked for. An event whose
    JSON does not parse is left out too, up to a few.
    """

    __slots__ = (
        "_broken",
        "_drops_usage",
        "_error_block",
        "_identifier",
        "_secret",
        "_splitter",
        "_text",
        "content",
        "ended",
        "failure",
        "meter",
        "source",
    )

    def __init__(self, codec: Codec, drops_usage: bool, identifier: str, secret: str) -> None:
        self.source = codec
        self._text = TextMeter(codec.watcher())
        self.meter: Meter = self._text
        self.content = False
        self.ended = False
        self.failure: UpstreamFailure | None = None
        self._splitter = Splitter()
        self._drops_usage = drops_usage
        self._identifier = identifier
        self._secret = secret
        self._broken = 0
        self._error_block = b""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events that `chunk` completes. Raises Invalid."""
        return self._singly(chunk) if len(chunk) < LONG_READ else self._at_once(chunk)

    def _at_once(self, chunk: bytes) -> bytes:
        """A long read: most of its events are looked at together, if all of those are plain text."""
        start, out = 0, b""
        for _ in range(FIRST_EVENTS):
            if self._amid_text:
                break
            after = after_event(chunk, start)
            out += self._singly(chunk[start:after])
            start = after
        end = before_last_events(chunk, start, LAST_EVENTS)
        if self._amid_text and self._text.run(chunk[start:end]):
            return out + chunk[start:end] + self._singly(chunk[end:])
        return out + self._singly(chunk[start:])

    @property
    def _amid_text(self) -> bool:
        going_on = self.content and not self.ended and self.failure is None
        return going_on and self._splitter.between_events

    def _singly(self, chunk: bytes) -> bytes:
        if self.ended or self.failure is not None:
            return b""
        try:
            blocks = self._splitter.feed(chunk)
        except FrameTooLarge as error:
            raise Invalid(str(error)) from None
        passed = [block for block in blocks if self._passes(block)]
        return passed[0] if len(passed) == 1 else b"".join(passed)

    def _passes(self, block: bytes) -> bool:
        """Look at an event, and say whether the client gets it. Nothing passes after the end."""
        if self.ended or self.failure is not None:
            return False
        sight = self.meter.event(block)
        if sight is Sight.CONTENT:
            self.content = True
        elif sight is Sight.TERMINAL:
            self.ended = True
        elif sight is Sight.USAGE:
            return not self._drops_usage
        elif sight is Sight.ERROR:
            self._fail(block)
            return False
        elif sight is Sight.BROKEN:
            self._broken += 1
            if self._broken > MOST_BROKEN_EVENTS:
                raise Invalid("its events are not JSON")
            return False
        return True

    def _fail(self, block: bytes) -> None:
        error = self.meter.watcher.error
        assert error is not None  # noqa: S101 — an ERROR event comes with its error
        self._error_block = hide(block, self._secret)
        self.failure = judge_event(error, self._secret)

    def finish(self) -> bytes:
        """What was left when the body ended. Raises Truncated unless the answer is known to be whole."""
        rest = self._splitter.flush()
        out = rest if rest.strip() and self._passes(rest + b"\n\n") else b""
        if self.failure is not None:
            raise self.failure
        if not self.ended and not self.meter.watcher.finish:
            raise Truncated
        return out + b"\n\n" if out else b""

    def whole(self, body: bytes) -> bytes:
        """A whole answer, unchanged. Raises Invalid, or the failure that it reports."""
        try:
            self.meter.body(body)
        except BadAnswer as error:
            raise Invalid(str(error)) from None
        if self.meter.watcher.error is not None:
            raise judge_event(self.meter.watcher.error, self._secret)
        self.content = self.ended = True
        return body

    def fail(self, info: ErrorInfo) -> bytes:
        """What ends a broken stream: the provider's own error event if it sent one, else ours."""
        if self._error_block:
            return self._error_block
        return self.source.error_event(info, self._identifier)
