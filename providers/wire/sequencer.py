"""The grammar of an answer, enforced once: whatever a decoder finds becomes a legal row of events.

A decoder says what it saw under keys of its own; the Sequencer numbers the parts, begins and ends
them, and holds the end of the message back until the provider's terminal marker, so that usage
that comes after the stop reason is still caught.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import msgspec

from providers.wire.call_ids import invented_call_id
from providers.wire.errors import BadAnswer, ErrorInfo
from providers.wire.events import (
    CitationAdd,
    Event,
    Failure,
    Heartbeat,
    MessageEnd,
    MessageStart,
    PartDetails,
    PartEnd,
    ReasoningDelta,
    RefusalDelta,
    ServerActivity,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from providers.wire.model import Citation, ProviderDetails, Stop, StopReason
from providers.wire.open_call import LARGEST_ARGUMENTS, OpenCall
from providers.wire.usage import Usage
from providers.wire.watch import MOST_BROKEN_EVENTS, size_of

MOST_PARTS = 256


class Sequencer:
    """The state of one answer. `names` gives tool names back that were changed on the way out.
    `taken` are the ids of calls that the history has: no call of the answer gets one of them.

    Beside the events it keeps what the books want to know: usage, size, stop reason, names.
    """

    __slots__ = (
        "_argued",
        "_broken",
        "_called",
        "_citations",
        "_calls",
        "_events",
        "_identifier",
        "_kind",
        "_names",
        "_next",
        "_refused",
        "_run",
        "_run_key",
        "_started",
        "_stop",
        "_taken",
        "_texts",
        "content",
        "dropped",
        "ended",
        "error",
        "output_bytes",
        "response_id",
        "response_model",
        "stateless",
        "usage",
    )

    def __init__(
        self,
        identifier: str,
        names: Mapping[str, str] | None = None,
        taken: Iterable[str] = (),
    ) -> None:
        self.response_id = ""
        self.response_model = ""
        self.usage: Usage | None = None
        self.output_bytes = 0
        self.error: ErrorInfo | None = None
        self.content = False
        self.ended = False
        self.dropped = 0
        self.stateless = False
        self._identifier = identifier
        self._names = names or {}
        self._taken = set(taken)
        self._texts = 0
        self._citations: list[tuple[Hashable, Citation]] = []
        self._events: list[Event] = []
        self._started = False
        self._next = 0
        self._run = -1
        self._kind = ""
        self._run_key: Hashable = None
        self._called = False
        self._refused = False
        self._calls: dict[Hashable, OpenCall] = {}
        self._argued = 0
        self._stop: Stop | None = None
        self._broken = 0

    @property
    def finish(self) -> str:
        """The provider's own stop reason, "" while unknown."""
        return self._stop.raw if self._stop else ""

    def take(self) -> list[Event]:
        """The events since the last time."""
        events = self._events
        self._events = []
        return events

    def start(self, response_id: str | None, model: str | None) -> None:
        """The answer has begun. The first id and model that are said stand."""
        self.response_id = self.response_id or response_id or ""
        self.response_model = self.response_model or model or ""
        if not self._started and not self.ended:
            self._started = True
            self._events.append(MessageStart(self.response_id, self.response_model))

    def text(self, text: str, key: Hashable = None) -> None:
        """Text goes on in the run that is open; another kind or key in between begins a new one."""
        if not text:
            return
        going_on = self._kind == "text" and self._run_key == key and not self.ended
        if going_on or self._open_run("text", key):
            self.output_bytes += size_of(text)
            self._events.append(TextDelta(self._run, text))
            if self._citations:
                self._cite()

    def reasoning(self, text: str, key: Hashable = None) -> None:
        if text and self._open_run("reasoning", key):
            self.output_bytes += size_of(text)
            self._events.append(ReasoningDelta(self._run, text))

    def refusal(self, text: str, key: Hashable = None) -> None:
        if text and self._open_run("refusal", key):
            self._refused = True
            self.output_bytes += size_of(text)
            self._events.append(RefusalDelta(self._run, text))

    def details(self, details: ProviderDetails, key: Hashable = None) -> None:
        """State of the reasoning run that is open, or of one that has no text."""
        if self._open_run("reasoning", key):
            self._events.append(PartDetails(self._run, details))

    def citation(self, citation: Citation, key: Hashable = None) -> None:
        """A citation of the text run that is open, or of the next one; without any it is dropped."""
        if self.ended or len(self._citations) >= MOST_PARTS:
            self.dropped += 1
            return
        self._citations.append((key, citation))
        if self._kind == "text":
            self._cite()

    def _cite(self) -> None:
        waiting = self._citations
        self._citations = [cited for cited in waiting if cited[0] != self._run_key]
        for key, citation in waiting:
            if key == self._run_key:
                self._events.append(CitationAdd(self._run, citation))

    def call(
        self,
        key: Hashable,
        call_id: str | None,
        name: str,
        details: ProviderDetails | None = None,
    ) -> None:
        """A tool call begins, or waits for its name. See go_on_with_call."""
        if self._refuses():
            return
        if key in self._calls:
            self._end_call(key)
        call = self._calls[key] = OpenCall(call_id, details)
        if name:
            self._begin_call(call, name)

    def go_on_with_call(
        self, key: Hashable, call_id: str | None, name: str, details: ProviderDetails | None
    ) -> None:
        """What else is said of a call: its name, if it waits for it, and state."""
        call = self._calls.get(key)
        if call is None:
            self.dropped += details is not None
        elif call.index < 0:
            call.call_id = call.call_id or call_id
            call.details = call.details or details
            if name:
                self._begin_call(call, name)
        elif details is not None:
            self._events.append(PartDetails(call.index, details))

    def _begin_call(self, call: OpenCall, name: str) -> None:
        """A provider that gives no id of its own, or one twice, gets one that no other turn repeats."""
        self.end_run()
        self._end_complete_calls()
        call.index = self._begin_part()
        self._called = True
        self.output_bytes += size_of(name)
        call_id = call.call_id
        if not call_id or call_id == "null" or call_id in self._taken:
            call_id = invented_call_id(self._identifier, call.index)
        self._taken.add(call_id)
        name = self._names.get(name, name)
        self._events.append(ToolCallStart(call.index, call_id, name, call.details))
        if call.pieces:
            self._events.append(ToolCallDelta(call.index, "".join(call.pieces)))

    def arguments(self, key: Hashable, piece: str) -> None:
        """A piece of the arguments of a call that is open."""
        call = self._calls.get(key)
        if not piece or self.ended:
            return
        if call is None:
            self.dropped += bool(piece.strip())
            return
        if not call.pieces and piece.strip() == "null":
            return
        size = size_of(piece)
        self._argued += size
        if self._argued > LARGEST_ARGUMENTS:
            raise BadAnswer(
                f"the arguments of its tool calls are larger than {LARGEST_ARGUMENTS} bytes"
            )
        call.pieces.append(piece)
        self.output_bytes += size
        if call.index >= 0:
            self._events.append(ToolCallDelta(call.index, piece))

    def end_part(self, key: Hashable) -> None:
        """The provider says that the part under `key` is complete."""
        if key in self._calls:
            self._end_call(key)
        elif self._run >= 0 and self._run_key == key:
            self.end_run()

    def end_run(self) -> None:
        """End the text, reasoning or refusal that is open."""
        if self._run >= 0:
            self._texts += self._kind == "text"
            self._events.append(PartEnd(self._run))
            self._run, self._kind, self._run_key = -1, "", None

    def count(self, usage: Usage | None) -> None:
        """Usage so far, cumulative; None if what was said of it cannot be believed."""
        self.usage = usage

    def activity(self, kind: str) -> None:
        """A tool that the provider runs itself."""
        if not self._refuses():
            self.end_run()
            self._events.append(ServerActivity(kind))

    def heartbeat(self) -> None:
        if self._started and not self.ended:
            self._events.append(Heartbeat())

    def stop(self, stop: Stop) -> None:
        """The stop reason; the first one stands."""
        if self._stop is None and not self.ended:
            self._stop = stop

    def fail(self, error: ErrorInfo) -> None:
        """The provider reports a failure. After a stop reason the answer is whole: it ends well."""
        if self.ended:
            return
        if self._stop is not None:
            self.dropped += 1
            return self.end()
        self.error = error
        self.ended = True
        self._events.append(Failure(error))
        self._run, self._kind, self._run_key = -1, "", None
        self._calls.clear()

    def broken(self) -> None:
        """An event that cannot be read is passed over. Raises BadAnswer after a few."""
        self._broken += 1
        self.dropped += 1
        if self._broken > MOST_BROKEN_EVENTS:
            raise BadAnswer("its events are not JSON")

    def end(self) -> None:
        """The provider's terminal marker, or the end of the body once the stop reason is known."""
        if self.ended:
            return
        self.start(None, None)
        self._explain()
        self.end_run()
        self.dropped += len(self._citations)
        for key in list(self._calls):
            self._end_call(key)
        if self.usage is not None:
            self._events.append(UsageReport(self.usage))
        self._events.append(MessageEnd(self._final_stop()))
        self.ended = True

    def _explain(self) -> None:
        """Why the provider refused, if it said so beside the answer: told where nothing else is."""
        explanation = self._stop.explanation if self._stop else None
        if explanation and self.content:
            self.dropped += 1
        elif explanation:
            self.refusal(explanation)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing if the body ends here."""
        return self.ended or self._stop is not None

    def _final_stop(self) -> Stop:
        """A call has to be answered and a refusal told, whatever the provider calls the stop.

        A stop that it did not name at all is none that we know.
        """
        stop = self._stop or Stop(StopReason.OTHER, "")
        if stop.raw and stop.reason not in (StopReason.END, StopReason.TOOL_USE):
            return stop
        reason = stop.reason
        if self._called:
            reason = StopReason.TOOL_USE
        elif self._refused:
            reason = StopReason.REFUSAL
        elif stop.raw:
            reason = StopReason.END
        return msgspec.structs.replace(stop, reason=reason)

    def _refuses(self) -> bool:
        """Whether it is too late for content; what comes then is dropped and counted."""
        if self.ended:
            self.dropped += 1
            return True
        return False

    def _open_run(self, kind: str, key: Hashable) -> bool:
        if self._refuses():
            return False
        if self._kind == kind and self._run_key == key:
            return True
        self.end_run()
        self._end_complete_calls()
        self._run = self._begin_part()
        self._kind, self._run_key = kind, key
        return True

    def _begin_part(self) -> int:
        if not self._started:
            self.start(None, None)
        if self._next - self._texts >= MOST_PARTS:
            raise BadAnswer(f"it has more than {MOST_PARTS} parts that are no text")
        self.content = True
        index = self._next
        self._next += 1
        return index

    def _end_call(self, key: Hashable) -> None:
        call = self._calls.pop(key)
        if call.index < 0:
            self.dropped += 1
        else:
            self._events.append(PartEnd(call.index))

    def _end_complete_calls(self) -> None:
        """Calls of formats that do not say when one ends: ended as soon as another part begins."""
        for key in [key for key, call in self._calls.items() if call.is_complete()]:
            self._end_call(key)
