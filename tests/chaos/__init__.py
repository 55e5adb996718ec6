"""A scripted upstream that speaks OpenAI Chat and Anthropic Messages, and misbehaves on request.

    async with open_chaos() as chaos:
        chaos.on("gpt-test", stream(chat_events()[:3], then=[Reset()]))  # all requests for a model
        chaos.next(whole(chat_error("busy"), 503), whole(chat_body()))  # the next two requests
        …  # call the gateway
        seen = await chaos.seen()  # the first request: method, path, headers, body, json
        await seen.leaving()  # when the client left before its answer was complete

A script is a list of steps (`steps.py`) or a function from what was seen to one. `speech.py` has
the answers of both formats as data; a model without a script gets an honest one. In a test take
the fixture `chaos`.
"""

from __future__ import annotations

from tests.chaos.server import Chaos, Seen, honest, open_chaos, say
from tests.chaos.steps import (
    Cut,
    Data,
    Head,
    Hold,
    Raw,
    Reset,
    Stall,
    Step,
    Wait,
    pieces,
    stream,
    whole,
)

__all__ = [
    "Chaos",
    "Cut",
    "Data",
    "Head",
    "Hold",
    "Raw",
    "Reset",
    "Seen",
    "Stall",
    "Step",
    "Wait",
    "honest",
    "open_chaos",
    "pieces",
    "say",
    "stream",
    "whole",
]
