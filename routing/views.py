"""The client paths as Ninja operations: one each, handed to the gateway at once."""

from __future__ import annotations

from typing import Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from routing.answers import Sink
from routing.gateway import Body, Gateway
from routing.paths import CHAT_COMPLETIONS, COUNT_TOKENS, MESSAGES, ClientCall


class Passage(Body, Sink, Protocol):
    """The body of a request and the way of its answer."""


class ClientRequest(HttpRequest):
    """What the door hands to these operations in place of a stock request."""

    gateway: Gateway
    call: ClientCall
    passage: Passage


class Sent(HttpResponseBase):
    """Says that the answer has gone out already. Ninja passes an HttpResponseBase on as it is."""

    status_code = 200

    def __init__(self) -> None:
        """Nothing of a response is made: none is sent."""


SENT = Sent()
router = Router(tags=["client paths"])


@router.post("/v1/chat/completions", summary="OpenAI Chat Completions")
async def chat_completions(request: ClientRequest) -> Sent:
    """Ask a model in the OpenAI Chat Completions format, streaming or not."""
    await request.gateway.handle(CHAT_COMPLETIONS, request.call, request.passage, request.passage)
    return SENT


@router.post("/v1/messages", summary="Anthropic Messages")
async def messages(request: ClientRequest) -> Sent:
    """Ask a model in the Anthropic Messages format, streaming or not."""
    await request.gateway.handle(MESSAGES, request.call, request.passage, request.passage)
    return SENT


@router.post("/v1/messages/count_tokens", summary="Anthropic token count")
async def count_tokens(request: ClientRequest) -> Sent:
    """Count a prompt's tokens. Where no provider can, the answer is an estimate and its header
    `x-patchbay-estimate` says so."""
    await request.gateway.handle(COUNT_TOKENS, request.call, request.passage, request.passage)
    return SENT


@router.get("/v1/models", summary="Models that this key can ask for by name")
async def list_models(request: ClientRequest) -> Sent:
    """OpenAI's shape; Anthropic's where `anthropic-version` is sent. Patterns are never listed."""
    await request.gateway.list_models(request.call, request.passage)
    return SENT


@router.get("/v1/models/{path:model}", summary="One model")
async def get_model(request: ClientRequest, model: str) -> Sent:
    """A model that this key can ask for by name."""
    await request.gateway.list_models(request.call, request.passage, model)
    return SENT
