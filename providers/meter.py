"""Watches an answer and reports its usage; never alters it, never raises into it."""

from __future__ import annotations

import logging
from typing import NamedTuple

import msgspec

from providers.wire.errors import BadAnswer
from providers.wire.prompt import PromptSize
from providers.wire.usage import Usage
from providers.wire.watch import Sight, TextWatcher, Watcher

BYTES_PER_TOKEN = 4

log = logging.getLogger("patchbay.meter")


def estimate_tokens(prompt: PromptSize) -> int:
    """Four bytes of text a token, which is roughly right for English, and media as they are."""
    return prompt.tokens(BYTES_PER_TOKEN)


class Reading(NamedTuple):
    """What an answer used, and whose numbers these are: provider, observed or estimated."""

    usage: Usage
    source: str


class Meter:
    """One answer's Watcher, guarded: a defect in it costs the numbers, not the answer."""

    __slots__ = ("_watcher",)

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    @property
    def watcher(self) -> Watcher:
        return self._watcher

    def event(self, block: bytes) -> Sight:
        """What an event is. One that cannot be looked at counts as content and passes."""
        try:
            return self._watcher.event(block)
        except Exception:
            log.exception("an event could not be metered")
            return Sight.CONTENT

    def body(self, data: bytes) -> None:
        """Look at a whole answer. Raises BadAnswer if it is not of its format."""
        try:
            self._watcher.body(data)
        except BadAnswer:
            raise
        except Exception:
            log.exception("an answer could not be metered")

    def reading(self, prompt: PromptSize) -> Reading:
        """The provider's final numbers; else its early ones with the output counted here; else estimates."""
        watcher = self._watcher
        usage = watcher.usage
        if usage is not None and watcher.finish:
            return Reading(usage, "provider")
        counted = estimate_tokens(PromptSize(watcher.output_bytes))
        if usage is not None:
            output = max(usage.output_tokens, counted)
            return Reading(msgspec.structs.replace(usage, output_tokens=output), "observed")
        return Reading(
            Usage(input_tokens=estimate_tokens(prompt), output_tokens=counted), "estimated"
        )

    @property
    def seen_anything(self) -> bool:
        """Whether the provider reported usage or sent content."""
        return self._watcher.usage is not None or self._watcher.output_bytes > 0


class TextMeter(Meter):
    """A Meter that can also look at many events at once."""

    __slots__ = ("_text",)

    def __init__(self, watcher: TextWatcher) -> None:
        super().__init__(watcher)
        self._text = watcher

    def run(self, blocks: bytes) -> bool:
        """Whether these events were seen to be plain text; if not, they must be looked at singly."""
        try:
            return self._text.run(blocks)
        except Exception:
            log.exception("events could not be metered")
            return False
