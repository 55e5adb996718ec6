"""Read the usage numbers of Chat Completions, in the dialects that servers have made of them.

OpenAI counts cached tokens inside prompt_tokens and reasoning inside completion_tokens. Cached
tokens also appear as `prompt_cache_hit_tokens` (DeepSeek), `num_cached_tokens` (Mistral) or
`cached_tokens` beside the totals (Hugging Face); Groq puts the whole object under `x_groq`.
"""

from __future__ import annotations

import msgspec

from providers.wire.usage import Usage

Count = int | float | None


class InputDetails(msgspec.Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    audio_tokens: Count = None


class OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count = None
    audio_tokens: Count = None


class WireUsage(msgspec.Struct, gc=False):
    """The `usage` object; a member that is absent or null says nothing."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    prompt_tokens_details: InputDetails | None = None
    prompt_token_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: Count = None
    num_cached_tokens: Count = None
    cached_tokens: Count = None


class GroqExtra(msgspec.Struct, gc=False):
    usage: WireUsage | None = None


def merge(wire: WireUsage, before: Usage | None) -> Usage:
    """`wire` over what was known before: the last non-null value wins, field by field."""
    old = before or Usage()
    inputs = wire.prompt_tokens_details or wire.prompt_token_details or InputDetails()
    outputs = wire.completion_tokens_details or OutputDetails()
    cached = _first(
        inputs.cached_tokens,
        wire.prompt_cache_hit_tokens,
        wire.num_cached_tokens,
        wire.cached_tokens,
    )
    return Usage(
        input_tokens=_whole(wire.prompt_tokens, old.input_tokens),
        cached_input_tokens=_whole(cached, old.cached_input_tokens),
        cache_write_5m_tokens=_whole(inputs.cache_write_tokens, old.cache_write_5m_tokens),
        input_audio_tokens=_whole(inputs.audio_tokens, old.input_audio_tokens),
        output_tokens=_whole(wire.completion_tokens, old.output_tokens),
        reasoning_tokens=_whole(outputs.reasoning_tokens, old.reasoning_tokens),
        output_audio_tokens=_whole(outputs.audio_tokens, old.output_audio_tokens),
    )


def _first(*values: Count) -> Count:
    return next((value for value in values if value is not None), None)


def _whole(value: Count, before: int) -> int:
    return before if value is None else max(0, int(value))
