"""Lists of models in the words of each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from providers.wire.codec import WireFormat

EPOCH = "1970-01-01T00:00:00Z"
"""When a model was made is not known here; this is the Anthropic API's own way to say so."""


class ListedModel(NamedTuple):
    """A model that a client may ask for, and the Provider that it leads to."""

    name: str
    provider: str


def write_models(form: WireFormat, models: Sequence[ListedModel]) -> bytes:
    """The body of GET /v1/models. Everything is on one page."""
    return msgspec.json.encode(_LISTS[form](models))


def write_model(form: WireFormat, model: ListedModel) -> bytes:
    """The body of GET /v1/models/{id}."""
    return msgspec.json.encode(_MODELS[form](model))


def _openai_model(model: ListedModel) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": 0, "owned_by": model.provider}


def _openai_list(models: Sequence[ListedModel]) -> dict[str, Any]:
    return {"object": "list", "data": [_openai_model(model) for model in models]}


def _anthropic_model(model: ListedModel) -> dict[str, Any]:
    return {"type": "model", "id": model.name, "display_name": model.name, "created_at": EPOCH}


def _anthropic_list(models: Sequence[ListedModel]) -> dict[str, Any]:
    return {
        "data": [_anthropic_model(model) for model in models],
        "has_more": False,
        "first_id": models[0].name if models else None,
        "last_id": models[-1].name if models else None,
    }


_MODELS: Mapping[WireFormat, Callable[[ListedModel], dict[str, Any]]] = MappingProxyType(
    {WireFormat.OPENAI_CHAT: _openai_model, WireFormat.ANTHROPIC_MESSAGES: _anthropic_model}
)
_LISTS: Mapping[WireFormat, Callable[[Sequence[ListedModel]], dict[str, Any]]] = MappingProxyType(
    {WireFormat.OPENAI_CHAT: _openai_list, WireFormat.ANTHROPIC_MESSAGES: _anthropic_list}
)
