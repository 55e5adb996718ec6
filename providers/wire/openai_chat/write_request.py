"""Write a request of the hub as Chat Completions."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from providers.wire.codec import ModelFacts, Written
from providers.wire.errors import Inexpressible
from providers.wire.history import require_answers
from providers.wire.json_text import EMPTY_SCHEMA, Json
from providers.wire.model import ChatRequest, Loss, OutputFormat, Tool, ToolChoice
from providers.wire.openai_chat.write_messages import MessageWriter
from providers.wire.strict_schema import is_strict
from providers.wire.thinking import effort_of, nearest_effort
from providers.wire.tool_names import ToolNames

LONGEST_TOOL_NAME = 64
LONGEST_USER = 64
MOST_STOPS = 4
PLAIN_SAMPLING = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "n",
)


def write_request(request: ChatRequest, facts: ModelFacts, cap: int | None) -> Written:
    """Raises Inexpressible."""
    require_answers(request.messages)
    names = ToolNames(LONGEST_TOOL_NAME)
    writer = MessageWriter(facts, names)
    losses, edits = writer.losses, list[str]()
    body: Json = {"model": request.model, "messages": writer.write(request)}
    _write_tools(body, request, names, losses)
    _write_sampling(body, request, facts, losses)
    _write_cap(body, request, facts, cap, edits)
    _write_reasoning(body, request, facts, losses)
    if request.output is not None:
        body["response_format"] = _response_format(request.output, losses)
    if request.end_user:
        body["user"] = _user(request.end_user, losses)
    if request.service_tier is not None:
        body["service_tier"] = request.service_tier
    if request.cache_key is not None:
        body["prompt_cache_key"] = request.cache_key
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    losses += [
        Loss("tools", f"the name {name} is sent as {sent}", "hint")
        for sent, name in names.originals.items()
    ]
    return Written(msgspec.json.encode(body), losses, edits, names.originals)


def _write_tools(body: Json, request: ChatRequest, names: ToolNames, losses: list[Loss]) -> None:
    for tool in request.hosted_tools:
        if not tool.type.startswith("tool_search"):
            raise Inexpressible("tools", f"the tool {tool.type} is its vendor's own")
        losses.append(Loss("tools", "all tools are sent; there is no search for them", "hint"))
    if not request.tools:
        return
    body["tools"] = [_tool(tool, names, losses) for tool in request.tools]
    if any(tool.deferred for tool in request.tools):
        losses.append(Loss("tools", "tools to be loaded later are loaded at once", "hint"))
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice, names)
    if request.parallel_calls is not None:
        body["parallel_tool_calls"] = request.parallel_calls


def _tool(tool: Tool, names: ToolNames, losses: list[Loss]) -> Json:
    schema = tool.schema or EMPTY_SCHEMA
    function: Json = {"name": names.of(tool.name), "parameters": schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict and is_strict(schema):
        function["strict"] = True
    elif tool.strict:
        losses.append(Loss("tools", f"the schema of {tool.name} is not a strict one", "hint"))
    if tool.cache is not None:
        losses.append(Loss("tools", "marks for a prompt cache are not translated", "hint"))
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice, names: ToolNames) -> str | Json:
    if choice.mode == "named":
        return _function(choice.names[0], names)
    if choice.names:
        tools = [_function(name, names) for name in choice.names]
        allowed = {"mode": choice.mode, "tools": tools}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    return choice.mode


def _function(name: str, names: ToolNames) -> Json:
    return {"type": "function", "function": {"name": names.of(name)}}


def _write_sampling(
    body: Json, request: ChatRequest, facts: ModelFacts, losses: list[Loss]
) -> None:
    sampling = request.sampling
    for name in ("temperature", "top_p"):
        value = getattr(sampling, name)
        if value is None:
            continue
        if facts.reasoning:
            if value != 1:
                losses.append(Loss(name, "models that reason do not take it", "meaning"))
            continue
        body[name] = value
    for name in PLAIN_SAMPLING:
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    if sampling.top_k is not None:
        losses.append(Loss("top_k", "Chat Completions has no top_k", "meaning"))
    _write_stop(body, sampling.stop, facts, losses)


def _write_stop(body: Json, stop: list[str], facts: ModelFacts, losses: list[Loss]) -> None:
    if not stop:
        return
    if not facts.stop:
        losses.append(Loss("stop", "models of this family take no stop sequences", "meaning"))
        return
    body["stop"] = stop[:MOST_STOPS]
    if len(stop) > MOST_STOPS:
        losses.append(Loss("stop", f"only the first {MOST_STOPS} are sent", "meaning"))


def _write_cap(
    body: Json, request: ChatRequest, facts: ModelFacts, cap: int | None, edits: list[str]
) -> None:
    name = "max_completion_tokens" if facts.reasoning else "max_tokens"
    wanted = request.sampling.max_tokens
    if cap is not None and (wanted is None or cap < wanted):
        edits.append(name)
        wanted = cap
    if wanted is not None:
        body[name] = wanted


def _write_reasoning(
    body: Json, request: ChatRequest, facts: ModelFacts, losses: list[Loss]
) -> None:
    if request.reasoning is None:
        return
    effort = effort_of(request.reasoning)
    if not facts.reasoning:
        if effort != "none":
            losses.append(Loss("reasoning", "not known to be a model that reasons", "hint"))
        return
    if effort is None:
        return
    if effort == "none":
        losses.append(Loss("reasoning", "the model decides whether it reasons", "hint"))
        return
    known = body["reasoning_effort"] = nearest_effort(effort, facts.efforts)
    if known != effort:
        losses.append(Loss("reasoning", f"the effort {effort} is sent as {known}", "hint"))


def _response_format(output: OutputFormat, losses: list[Loss]) -> Json:
    if output.schema is None:
        return {"type": "json_object"}
    strict = is_strict(output.schema) if output.strict is None else output.strict
    if output.strict is None and not strict:
        losses.append(Loss("output", "the schema is not a strict one, so it only guides", "hint"))
    inner: dict[str, Any] = {
        "name": output.name or "output",
        "schema": output.schema,
        "strict": strict,
    }
    if output.description is not None:
        inner["description"] = output.description
    return {"type": "json_schema", "json_schema": inner}


def _user(end_user: str, losses: list[Loss]) -> str:
    """A name that is too long is sent as its digest: still the same for the same user."""
    if len(end_user) <= LONGEST_USER:
        return end_user
    losses.append(Loss("user", f"longer than {LONGEST_USER}, so its digest is sent", "hint"))
    return sha256(end_user.encode()).hexdigest()
