"""Record: all that the books keep of one Exchange. The hot twin of the UsageRecord row."""

from __future__ import annotations

from typing import Any

import msgspec


def id_text(identifier: bytes) -> str:
    """The canonical text of a UUID."""
    text = identifier.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class AttemptRecord(msgspec.Struct, array_like=True, gc=False):
    """One try against one Endpoint. `status` is the provider's, 0 where there was none; `ms` its length.

    `why` is the Plan's word for its place in the order. `detail` says in a sentence of ours what happened.
    """

    provider: str
    deployment: str
    model: str
    credential: str
    status: int
    reason: str
    ms: float
    why: str = ""
    detail: str = ""


class Record(msgspec.Struct, array_like=True, kw_only=True, gc=False):
    """The fields of a UsageRecord, in its order. `exchange_id` is 16 bytes, `started_at` Unix seconds.

    It is kept up to date as the Exchange goes on, so that at any moment it says what the books
    would have to say if the process died.
    """

    exchange_id: bytes
    started_at: float
    first_content_ms: float | None = None
    total_ms: float = 0.0
    client_request_id: str = ""
    session: str = ""
    end_user: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    kind: str = "chat"
    client_key_name: str = ""
    client_key_id: int = 0
    team_name: str = ""
    owner: str = ""
    provider_name: str = ""
    deployment: str = ""
    credential_label: str = ""
    rule_name: str = ""
    client_format: str = ""
    upstream_format: str = ""
    original_model: str = ""
    request_model: str = ""
    response_model: str = ""
    outcome: str = ""
    reason: str = ""
    status: int = 0
    stream: bool = False
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0
    other_units: dict[str, int] = msgspec.field(default_factory=dict)
    cost_nano: int | None = None
    price_id: str = ""
    usage_source: str = ""
    attempts: list[AttemptRecord] = msgspec.field(default_factory=list)
    losses: list[Any] = msgspec.field(default_factory=list)
    edits: list[str] = msgspec.field(default_factory=list)
    request_bytes: int = 0
    response_bytes: int = 0
    config_version: int = 0
