"""Write lists of models as the OpenAI API does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.wire.codec import ListedModel


def write_models(models: Sequence[ListedModel]) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [_model(model) for model in models]})


def write_model(model: ListedModel) -> bytes:
    return msgspec.json.encode(_model(model))


def _model(model: ListedModel) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": 0, "owned_by": model.provider}
