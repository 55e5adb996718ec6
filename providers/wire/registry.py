"""The codecs by format. A new format is a package and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from providers.wire.anthropic_messages.codec import MessagesCodec
from providers.wire.codec import Codec, WireFormat
from providers.wire.openai_chat.codec import ChatCodec

CODECS: Mapping[WireFormat, Codec] = MappingProxyType(
    {codec.format: codec for codec in (ChatCodec(), MessagesCodec())}
)
