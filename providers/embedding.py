"""Ask a Provider's embedding model for the vectors of texts, in OpenAI's shape. Not for the hot path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import msgspec
from django.db.models import F, FilteredRelation, Q

from providers.adapters.registry import ADAPTERS
from providers.asking import CannotReach, Question, ask
from providers.models import ModelPrice, Provider
from providers.prices import Price, embedding_price, own_price, vendor_at
from providers.secrets import SecretMissing, binding, open_secret
from providers.wire.codec import WireFormat

ANSWER_SECONDS = 20.0
MOST_DIMENSIONS = 8192
LONGEST_NUMBER = 25
"""Bytes of a number in JSON, with its comma."""
BESIDE_NUMBERS = 64 * 2**10
CHAT = "/chat/completions"
ANY_MODEL = "*"
PRICES = [field.name for field in ModelPrice._meta.get_fields() if field.name.endswith("_per_mtok")]
REASONS = {
    401: ("upstream_auth", "the secret is wrong or was revoked"),
    403: ("upstream_auth", "the secret is known but may not use this model"),
    404: ("upstream_refused", "it knows no such model, or makes no embeddings"),
    429: ("upstream_rate_limited", "it asks us to slow down"),
}


class EmbeddingFailed(Exception):
    """There are no vectors; the text is a sentence that says why, `reason` the books' word.

    `texts_refused` says that the provider may refuse these texts alone. A `reason` of "" is a call that
    was never made.
    """

    def __init__(self, sentence: str, reason: str = "", status: int = 0) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.status = status

    @property
    def texts_refused(self) -> bool:
        return self.status in (400, 413, 422)


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model and all that it takes to call it. `label` is its Credential's, "" where none is needed."""

    provider: str
    model: str
    url: str
    headers: dict[str, str] = field(repr=False)
    label: str
    allow_private: bool
    price: Price | None


class Vectors(NamedTuple):
    """One for each text, all of a length. `tokens` is None where the provider does not say."""

    vectors: list[list[float]]
    tokens: int | None
    model: str
    bytes: int


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int = -1


class _Used(msgspec.Struct):
    prompt_tokens: int | None = 0


class _Answer(msgspec.Struct):
    data: list[_Item]
    model: str | None = ""
    usage: _Used | None = None


_Row = dict[str, Any]

_answer = msgspec.json.Decoder(_Answer)


def find_model(provider: str, model: str) -> EmbeddingModel:
    """The model as it is configured now, in one look-up. Raises EmbeddingFailed."""
    rows = _look_up(provider, model)
    if not rows:
        raise EmbeddingFailed(f"There is no provider {provider}.")
    row = rows[0]
    if not row["enabled"]:
        raise EmbeddingFailed(f"The provider {provider} is off.")
    adapter = ADAPTERS.get(row["adapter"])
    path = adapter.paths.get(WireFormat.OPENAI_CHAT, "") if adapter else ""
    if adapter is None or adapter.name == "demo" or not path.endswith(CHAT):
        raise EmbeddingFailed(
            f"The provider {provider} makes no embeddings; an OpenAI or OpenAI-compatible one does."
        )
    base = (row["base_url"] or adapter.base_url).rstrip("/")
    label, headers = "", dict(adapter.headers)
    if (credential := _credential(provider, rows)) is not None:
        label = credential["label"]
        headers = adapter.auth_headers(_secret(provider, label, credential["secret"]))
    return EmbeddingModel(
        provider=provider,
        model=model,
        url=f"{base}{path.removesuffix(CHAT)}/embeddings",
        headers={**headers, "content-type": "application/json", "user-agent": "patchbay"},
        label=label,
        allow_private=row["allow_private_network"],
        price=_own_price(provider, model, rows)
        or embedding_price(adapter.prices or vendor_at(base), model),
    )


def ask_for_vectors(model: EmbeddingModel, texts: list[str]) -> Vectors:
    """Raises EmbeddingFailed."""
    question = Question(
        url=httpx.URL(model.url),
        headers=model.headers,
        allow_private=model.allow_private,
        seconds=ANSWER_SECONDS,
        largest=len(texts) * MOST_DIMENSIONS * LONGEST_NUMBER + BESIDE_NUMBERS,
        too_large="The server answered with more than so many vectors can be.",
        body=msgspec.json.encode({"model": model.model, "input": texts}),
    )
    try:
        status, body = ask(question)
    except CannotReach as failure:
        raise EmbeddingFailed(str(failure), failure.reason) from None
    if status != 200:
        raise _refusal(status)
    return _read(body, len(texts))


def _look_up(provider: str, model: str) -> list[_Row]:
    """The Provider beside each of its Credentials and each Deployment that may price the model."""
    priced = FilteredRelation("deployments", condition=Q(deployments__model__in=(model, ANY_MODEL)))
    found = Provider.objects.filter(name=provider).annotate(
        priced=priced,
        label=F("credentials__label"),
        secret=F("credentials__secret"),
        secret_enabled=F("credentials__enabled"),
        priced_model=F("priced__model"),
        **{name: F(f"priced__price__{name}") for name in PRICES},
    )
    return [dict(row) for row in found.order_by("label").values()]


def _credential(provider: str, rows: list[_Row]) -> _Row | None:
    """The first that is on; None for a server without keys."""
    enabled = [row for row in rows if row["secret_enabled"]]
    if not enabled and rows[0]["label"] is not None:
        raise EmbeddingFailed(f"All credentials of the provider {provider} are off.")
    return enabled[0] if enabled else None


def _secret(provider: str, label: str, secret: str) -> str:
    try:
        return open_secret(secret, binding(provider, label))
    except SecretMissing as missing:
        raise EmbeddingFailed(
            f"The credential {label} of the provider {provider} cannot be used: {missing}"
        ) from None


def _own_price(provider: str, model: str, rows: list[_Row]) -> Price | None:
    """The operator's, of a Deployment of this name, else of the one for any model."""
    prices = {row["priced_model"]: row for row in rows if row["input_per_mtok"] is not None}
    name = model if model in prices else ANY_MODEL
    return own_price(f"{provider}/{name}", prices[name]) if name in prices else None


def _refusal(status: int) -> EmbeddingFailed:
    if status in REASONS:
        reason, words = REASONS[status]
    elif 400 <= status < 500:
        reason, words = "upstream_refused", "it refuses the request"
    else:
        reason, words = "upstream_error", "it has a fault of its own"
    return EmbeddingFailed(f"The vendor answered {status}: {words}.", reason, status)


def _read(body: bytes, count: int) -> Vectors:
    """What JSON has for numbers all have a value; larger ones than a float holds cannot be read."""
    try:
        answer = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _invalid("It answered, but not with vectors that we can read.") from None
    items = answer.data
    if any(item.index >= 0 for item in items):
        items = sorted(items, key=lambda item: item.index)
        if [item.index for item in items] != list(range(len(items))):
            raise _invalid("It answered with vectors whose numbers do not follow each other.")
    vectors = [item.embedding for item in items]
    if len(vectors) != count:
        raise _invalid(f"It answered with {len(vectors)} vectors for {count} texts.")
    lengths = {len(vector) for vector in vectors}
    if len(lengths) != 1 or not 1 <= max(lengths) <= MOST_DIMENSIONS:
        raise _invalid("It answered with vectors of a length that cannot be.")
    tokens = (answer.usage.prompt_tokens if answer.usage else 0) or 0
    return Vectors(vectors, tokens if tokens > 0 else None, answer.model or "", len(body))


def _invalid(sentence: str) -> EmbeddingFailed:
    return EmbeddingFailed(sentence, "upstream_invalid", 200)
