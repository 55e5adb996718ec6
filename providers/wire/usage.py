"""Usage: what an answer cost in tokens, in the words of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

import msgspec

MOST_TOKENS = 10**9
"""No request comes near: what reports more does not count."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Token counts. Input includes cached and cache-writing tokens; output includes reasoning."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0

    @property
    def is_unknown(self) -> bool:
        """All-zero numbers are a server that does not count, not a free answer; absurd ones likewise."""
        if not (self.input_tokens or self.output_tokens):
            return True
        most: int = max(msgspec.structs.astuple(self))
        return most > MOST_TOKENS
