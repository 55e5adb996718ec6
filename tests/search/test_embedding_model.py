"""What an embedding model answers, and what of it is taken: whatever is wrong is a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers.embedding import (
    BESIDE_NUMBERS,
    LONGEST_NUMBER,
    MOST_DIMENSIONS,
    EmbeddingFailed,
    ask_for_vectors,
    find_model,
)
from providers.models import Credential, Deployment, ModelPrice, Provider
from tests.search.embedder import EmbeddingServer, Meaning

pytestmark = pytest.mark.parametrize("archive", ["sqlite"], indirect=True)


def answer(*vectors: Any, **more: Any) -> bytes:
    return json.dumps({"data": [{"embedding": each} for each in vectors], **more}).encode()


def numbered(*numbers: int) -> bytes:
    return json.dumps({"data": [{"embedding": [1.0], "index": each} for each in numbers]}).encode()


def asked(server: EmbeddingServer, status: int, body: bytes) -> Any:
    server.answers.append((status, body))
    return ask_for_vectors(find_model("acme", "words-1"), ["one", "two"])


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, b"", "answered 401: the secret is wrong or was revoked"),
        (403, b"", "may not use this model"),
        (404, b"", "knows no such model"),
        (429, b"", "asks us to slow down"),
        (302, b"", "answered 302"),
        (200, b"<html>", "not with vectors that we can read"),
        (200, b'{"data": 3}', "not with vectors that we can read"),
        (200, b"[" * 100_000, "not with vectors that we can read"),
        (200, answer([1.0], [float("nan")]), "not with vectors that we can read"),
        (200, b'{"data":[{"embedding":[1]},{"embedding":[1e999]}]}', "that we can read"),
        (200, answer([1.0, 2.0]), "1 vectors for 2 texts"),
        (200, answer([1.0], [1.0, 2.0]), "of a length that cannot be"),
        (200, answer([], []), "of a length that cannot be"),
        (200, answer([0.0] * 9000, [0.0] * 9000), "of a length that cannot be"),
        (200, numbered(0, 0), "numbers do not follow each other"),
        (200, b" " * (2**20), "more than so many vectors can be"),
    ],
)
def test_what_is_no_answer_is_a_sentence(meaning: Meaning, status: int, body: bytes, sentence: str):
    with pytest.raises(EmbeddingFailed, match=sentence) as failure:
        asked(meaning.server, status, body)
    assert failure.value.reason


def test_vectors_are_put_in_the_order_of_the_texts(meaning: Meaning):
    body = b'{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":null}'
    found = asked(meaning.server, 200, body)
    assert (found.vectors, found.tokens) == ([[1.0], [2.0]], None)


def test_the_largest_vectors_are_read_and_what_is_larger_is_not(meaning: Meaning):
    longest = [-0.1234567890123456e-100] * MOST_DIMENSIONS
    found = asked(meaning.server, 200, answer(longest, longest))
    assert found.vectors == [longest, longest]
    bound = 2 * MOST_DIMENSIONS * LONGEST_NUMBER + BESIDE_NUMBERS
    with pytest.raises(EmbeddingFailed, match="not with vectors that we can read"):
        asked(meaning.server, 200, b" " * bound)
    with pytest.raises(EmbeddingFailed, match="more than so many vectors can be"):
        asked(meaning.server, 200, b" " * (bound + 1))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": "other"}, "There is no provider acme"),
        ({"enabled": False}, "The provider acme is off"),
        ({"adapter": "anthropic"}, "acme makes no embeddings"),
        ({"adapter": "demo"}, "acme makes no embeddings"),
    ],
)
def test_a_provider_that_cannot_is_named(meaning: Meaning, changed: Any, sentence: str):
    Provider.objects.update(**changed)
    with pytest.raises(EmbeddingFailed, match=sentence) as failure:
        find_model("acme", "words-1")
    assert failure.value.reason == "", "nobody was asked"


def test_the_first_credential_that_is_on_is_used(meaning: Meaning):
    Credential.objects.update(enabled=False)
    with pytest.raises(EmbeddingFailed, match="All credentials of the provider acme are off"):
        find_model("acme", "words-1")
    Credential.objects.create(provider=Provider.objects.get(), label="z", secret="env:NOT_SET")
    with pytest.raises(
        EmbeddingFailed, match="credential z of the provider acme.*NOT_SET is not set"
    ):
        find_model("acme", "words-1")
    Credential.objects.all().delete()
    assert find_model("acme", "words-1").label == ""


def test_credential_and_price_are_found_in_one_look_up(meaning: Meaning):
    provider = Provider.objects.get()
    Credential.objects.create(provider=provider, label="a", secret="env:NOT_SET", enabled=False)
    anything = Deployment.objects.create(provider=provider, model="*")
    ModelPrice.objects.create(deployment=anything, input_per_mtok=5, output_per_mtok=0)
    with CaptureQueriesContext(connection) as asked:
        found = find_model("acme", "words-1")
    assert len(asked) == 1
    assert found.price is not None
    assert (found.label, found.price.id, found.price.input) == (
        "main",
        "own acme/words-1",
        2_000_000,
    )
    other = find_model("acme", "words-2").price
    assert other is not None
    assert (other.id, other.input) == ("own acme/*", 5_000_000)


def test_a_private_address_is_not_called_unless_allowed(meaning: Meaning):
    Provider.objects.update(allow_private_network=False)
    with pytest.raises(EmbeddingFailed, match="is a private address"):
        ask_for_vectors(find_model("acme", "words-1"), ["one"])
    assert meaning.server.asked == []
