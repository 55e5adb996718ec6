"""Try a Provider's connection by asking for its list of models, and say in a sentence how it went.

Synchronous, for the admin.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from providers.adapters.registry import Adapter
from providers.asking import CannotReach, Question, ask
from providers.wire.codec import WireFormat

ANSWER_SECONDS = 15.0
LARGEST_ANSWER = 8 * 2**20
MOST_MODELS_A_PAGE = 1000

STATUS_SENTENCES = {
    401: "The vendor answered 401: the secret is wrong or was revoked.",
    403: "The vendor answered 403: the secret is known but may not list models.",
    429: "The vendor answered 429: it was reached, and asks us to slow down. Try again later.",
}


class Place(NamedTuple):
    """Where a Provider is: what the check needs of its row."""

    adapter: Adapter
    base_url: str
    allow_private: bool

    @property
    def models_url(self) -> str:
        base = self.base_url or self.adapter.base_url
        return base.rstrip("/") + self.adapter.models_path


class Verdict(NamedTuple):
    """How a try went. `tone` is good, careful (reached, but unsure) or bad."""

    tone: str
    sentence: str
    models: tuple[str, ...] = ()


def try_connection(place: Place, secret: str | None) -> Verdict:
    """Ask for the models with one secret, or with none for a server without keys."""
    if place.adapter.name == "demo":
        return Verdict("good", "The demo provider is built in; there is nothing to connect to.")
    headers = dict(place.adapter.headers)
    if secret is not None:
        headers = place.adapter.auth_headers(secret)
    began = time.monotonic()
    try:
        status, body = _get(place, headers)
    except CannotReach as failure:
        return Verdict("bad", str(failure))
    return _verdict(place, status, body, (time.monotonic() - began) * 1000)


def _verdict(place: Place, status: int, body: bytes, ms: float) -> Verdict:
    if status == 200:
        models = _models(body)
        if models is None:
            return Verdict(
                "careful", "It answered, but not with a list of models that we can read."
            )
        many = "1 model" if len(models) == 1 else f"{len(models)} models"
        return Verdict("good", f"Connected in {ms:.0f} ms; it offers {many}.", models)
    if status in (404, 405):
        return Verdict(
            "careful",
            f"The server was reached, but has no list of models at {place.models_url}. Check that "
            "the base URL is right; deployments can be added by name.",
        )
    if 300 <= status < 400:
        return Verdict("bad", f"The server answered {status}: it wants another base URL.")
    sentence = STATUS_SENTENCES.get(status)
    if sentence is None:
        whose = "has a fault of its own" if status >= 500 else "refused the request"
        sentence = f"The vendor was reached, but {whose}: it answered {status}."
    return Verdict("careful" if status == 429 else "bad", sentence)


def _models(body: bytes) -> tuple[str, ...] | None:
    """The ids of a list of models in OpenAI's or Anthropic's shape; None if it is no such list."""
    try:
        listed: Any = json.loads(body)["data"]
        return tuple(sorted({str(entry["id"]) for entry in listed}))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _get(place: Place, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body. Raises CannotReach."""
    url = httpx.URL(place.models_url)
    if WireFormat.ANTHROPIC_MESSAGES in place.adapter.paths:
        url = url.copy_add_param("limit", MOST_MODELS_A_PAGE)
    return ask(
        Question(
            url=url,
            headers=headers,
            allow_private=place.allow_private,
            seconds=ANSWER_SECONDS,
            largest=LARGEST_ANSWER,
            too_large="The server answered with more than a list of models can be.",
        )
    )
