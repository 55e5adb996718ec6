"""Write lists of models as the Anthropic API does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.wire.codec import ListedModel

EPOCH = "1970-01-01T00:00:00Z"
"""When a model was made is not known here; this is the Anthropic API's own way to say so."""


def write_models(models: Sequence[ListedModel]) -> bytes:
    """Everything is on one page."""
    return msgspec.json.encode(
        {
            "data": [_model(model) for model in models],
            "has_more": False,
            "first_id": models[0].name if models else None,
            "last_id": models[-1].name if models else None,
        }
    )


def write_model(model: ListedModel) -> bytes:
    return msgspec.json.encode(_model(model))


def _model(model: ListedModel) -> dict[str, Any]:
    return {"type": "model", "id": model.name, "display_name": model.name, "created_at": EPOCH}
