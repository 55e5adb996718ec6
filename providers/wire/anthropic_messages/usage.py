"""Read the usage numbers of Messages.

Anthropic counts cached and cache-writing input outside `input_tokens`; `message_delta` restates
the numbers of `message_start` cumulatively, so each field is replaced, never added.
"""

from __future__ import annotations

import msgspec

from providers.wire.usage import Usage

Count = int | None


class CacheCreation(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Count = None
    ephemeral_1h_input_tokens: Count = None


class OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: Count = None


class WireUsage(msgspec.Struct, gc=False):
    """The `usage` object; a member that is absent or null says nothing."""

    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class Tally:
    """The last non-null value of each field."""

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, int] = {}

    def note(self, wire: WireUsage) -> None:
        details, created = wire.output_tokens_details, wire.cache_creation
        values = {
            "input": wire.input_tokens,
            "output": wire.output_tokens,
            "read": wire.cache_read_input_tokens,
            "written": wire.cache_creation_input_tokens,
            "5m": created.ephemeral_5m_input_tokens if created else None,
            "1h": created.ephemeral_1h_input_tokens if created else None,
            "thinking": details.thinking_tokens if details else None,
        }
        for name, value in values.items():
            if value is not None:
                self._fields[name] = max(0, value)

    def usage(self) -> Usage | None:
        """None while only zeros or absurdities were said. Writes without a breakdown are 5-minute ones."""
        get = self._fields.get
        long = get("1h", 0)
        short = max(get("5m", 0), get("written", 0) - long)
        read = get("read", 0)
        usage = Usage(
            input_tokens=get("input", 0) + read + short + long,
            cached_input_tokens=read,
            cache_write_5m_tokens=short,
            cache_write_1h_tokens=long,
            output_tokens=get("output", 0),
            reasoning_tokens=get("thinking", 0),
        )
        return None if usage.is_unknown else usage
