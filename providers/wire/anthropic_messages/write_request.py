"""Write a request of the hub as Messages."""

from __future__ import annotations

from typing import Any

import msgspec

from providers.wire.anthropic_messages.thought_turns import Turn, answers_unthought_call
from providers.wire.anthropic_messages.write_messages import (
    MessageWriter,
    write_cache_mark,
)
from providers.wire.codec import ModelFacts, Written
from providers.wire.errors import Inexpressible
from providers.wire.history import require_answers
from providers.wire.json_text import EMPTY_SCHEMA, OBJECT, Json
from providers.wire.model import (
    ChatRequest,
    Loss,
    Message,
    OutputFormat,
    ReasoningPart,
    Sampling,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
    Weight,
)
from providers.wire.thinking import budget_of, effort_of, nearest_effort
from providers.wire.tool_names import ToolNames

LONGEST_TOOL_NAME = 128
DEFAULT_MAX_TOKENS = 4096
LEAST_BUDGET = 1024
MOST_MARKS = 4
MODES = {"auto": "auto", "required": "any", "none": "none"}
TIERS = {"auto": "auto", "default": "standard_only"}
LEAST_TOP_P_THINKING = 0.95
NO_PARTNER: dict[str, tuple[object, ...]] = {
    "seed": (None,),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, msgspec.Raw(b"{}")),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
}
"""Parameters that this format lacks, with the values that say no more than their absence."""


class RequestWriter:
    """Writes one request."""

    def __init__(self, request: ChatRequest, facts: ModelFacts, cap: int | None) -> None:
        self._request = request
        self._facts = facts
        self._cap = cap
        self._names = ToolNames(LONGEST_TOOL_NAME)
        self._messages = MessageWriter(facts, self._names)
        self._losses = self._messages.losses
        self._edits: list[str] = []
        self._body: Json = {}

    def write(self) -> Written:
        request, body = self._request, self._body
        require_answers(request.messages)
        body["model"] = request.model
        body["messages"] = self._messages.write(request.messages)
        system = self._messages.system(request.system)
        if system is not None:
            body["system"] = system
        self._write_cap()
        self._write_tools()
        self._write_thinking()
        self._write_sampling()
        if request.output is not None:
            self._write_output(request.output)
        if request.end_user:
            body["metadata"] = {"user_id": request.end_user}
        self._write_tier()
        if request.cache_key is not None:
            self._lose("prompt_cache_key", "the vendor finds cached prompts by itself", "hint")
        if request.stream:
            body["stream"] = True
        self._bound_marks()
        self._losses += [
            Loss("tools", f"the name {name} is sent as {sent}", "hint")
            for sent, name in self._names.originals.items()
        ]
        return Written(msgspec.json.encode(body), self._losses, self._edits, self._names.originals)

    def _write_cap(self) -> None:
        """This format wants a cap always; a client that said none gets all that the model gives."""
        wanted = self._request.sampling.max_tokens
        if wanted is None:
            wanted = self._facts.max_output or DEFAULT_MAX_TOKENS
            self._edits.append("max_tokens")
        if self._cap is not None and self._cap < wanted:
            wanted = self._cap
            self._edits.append("max_tokens")
        self._edits = list(dict.fromkeys(self._edits))
        self._body["max_tokens"] = wanted

    def _write_tools(self) -> None:
        request = self._request
        for hosted in request.hosted_tools:
            raise Inexpressible("tools", f"the tool {hosted.type} is its vendor's own")
        if not request.tools:
            return
        choice, tools = request.tool_choice, request.tools
        if choice is not None and choice.names and choice.mode != "named":
            tools = [tool for tool in tools if tool.name in choice.names]
        if not tools:
            raise Inexpressible("tool_choice", "none of the allowed tools is one of the request's")
        self._body["tools"] = [self._tool(tool) for tool in tools]
        written = self._tool_choice(choice)
        if written is not None:
            self._body["tool_choice"] = written

    def _tool(self, tool: Tool) -> Json:
        written: Json = {"name": self._names.of(tool.name)}
        if tool.description:
            written["description"] = tool.description
        written["input_schema"] = _as_object(tool.schema)
        if tool.strict and self._facts.schemas:
            written["strict"] = True
        elif tool.strict:
            reason = f"the model cannot be held to the schema of {tool.name}"
            self._lose("tools", reason, "hint")
        if tool.cache is not None:
            written["cache_control"] = write_cache_mark(tool.cache)
        return written

    def _tool_choice(self, choice: ToolChoice | None) -> Json | None:
        single = self._request.parallel_calls is False
        if choice is None:
            return {"type": "auto", "disable_parallel_tool_use": True} if single else None
        if choice.mode == "named":
            written: Json = {"type": "tool", "name": self._names.of(choice.names[0])}
        else:
            written = {"type": MODES[choice.mode]}
        if single and choice.mode != "none":
            written["disable_parallel_tool_use"] = True
        return written

    def _write_thinking(self) -> None:
        config = self._request.reasoning
        effort = effort_of(config) if config is not None else None
        if config is None or effort == "none":
            return
        if not self._facts.thinking:
            return self._lose("reasoning", "not known to be a model that thinks", "hint")
        if self._facts.thinking == "budget":
            return self._write_budget(budget_of(config))
        display = "omitted" if config.show == "none" else "summarized"
        self._body["thinking"] = {"type": "adaptive", "display": display}
        if effort is not None:
            self._write_effort(effort)

    def _write_effort(self, effort: str) -> None:
        known = nearest_effort(effort, self._facts.efforts)
        if known != effort:
            self._lose("reasoning", f"the effort {effort} is sent as {known}", "hint")
        self._body["output_config"] = {"effort": known}

    def _write_budget(self, budget: int | None) -> None:
        """Room for the answer stays; where there is none, thinking is off."""
        if answers_unthought_call(_turn(message) for message in self._request.messages):
            reason = "thinking is off: the block that came before the call was not sent back"
            return self._lose("reasoning", reason, "hint")
        most = self._body["max_tokens"] - 1
        wanted = min(max(budget or LEAST_BUDGET, LEAST_BUDGET), most)
        if wanted < LEAST_BUDGET:
            return self._lose("reasoning", "max_tokens leaves no room for thinking", "hint")
        self._body["thinking"] = {"type": "enabled", "budget_tokens": wanted}
        self._unforce()

    def _unforce(self) -> None:
        """A model that thinks with a budget cannot be made to call."""
        choice = self._body.get("tool_choice")
        if choice is not None and choice["type"] in ("any", "tool"):
            self._lose(
                "tool_choice", "a model that thinks decides itself whether it calls", "meaning"
            )
            self._body["tool_choice"] = {**choice, "type": "auto"}
            self._body["tool_choice"].pop("name", None)

    def _write_sampling(self) -> None:
        sampling = self._request.sampling
        self._write_temperature(sampling)
        self._write_stop()
        for name, defaults in NO_PARTNER.items():
            if getattr(sampling, name) not in defaults:
                self._lose(name, f"Messages has no {name}", "meaning")
        if (sampling.n or 1) > 1:
            self._lose("n", "one answer is given", "meaning")

    def _write_temperature(self, sampling: Sampling) -> None:
        """Temperature and its kin. Of temperature and top_p 1 is the default, so it may go."""
        body = self._body
        for name in ("temperature", "top_p", "top_k"):
            value: Any = getattr(sampling, name)
            if value is None:
                continue
            if not self._takes(name, value):
                if value != 1 or name == "top_k":
                    self._lose(name, "the model, or its thinking, does not take it", "meaning")
                continue
            if name == "temperature" and value > 1:
                self._lose(name, f"{value} is sent as 1, the most there is", "meaning")
                value = 1
            body[name] = value
        if self._facts.one_of_temperature_top_p and {"temperature", "top_p"} <= body.keys():
            self._choose_temperature_or_top_p()

    def _takes(self, name: str, value: float) -> bool:
        if not self._facts.sampling:
            return False
        if "thinking" not in self._body:
            return True
        return name == "top_p" and value >= LEAST_TOP_P_THINKING

    def _choose_temperature_or_top_p(self) -> None:
        if self._body["temperature"] == 1:
            del self._body["temperature"]
        elif self._body.pop("top_p") != 1:
            self._lose("top_p", "the model takes temperature or top_p, not both", "meaning")

    def _write_stop(self) -> None:
        stop = [text for text in self._request.sampling.stop if text.strip()]
        if len(stop) < len(self._request.sampling.stop):
            self._lose("stop", "stop sequences of white space alone are not taken", "meaning")
        if stop:
            self._body["stop_sequences"] = stop

    def _write_output(self, output: OutputFormat) -> None:
        if output.schema is None:
            return self._lose(
                "response_format", "JSON without a schema cannot be asked for", "meaning"
            )
        if not self._facts.schemas:
            return self._lose("response_format", "the model cannot be held to a schema", "meaning")
        form = {"type": "json_schema", "schema": output.schema}
        self._body["output_config"] = {**self._body.get("output_config", {}), "format": form}

    def _write_tier(self) -> None:
        tier = self._request.service_tier
        if tier in TIERS:
            self._body["service_tier"] = TIERS[tier]
        elif tier is not None:
            self._lose("service_tier", f"there is no tier {tier}", "hint")

    def _bound_marks(self) -> None:
        """Of more cache marks than are taken the last ones stay: they cover the most."""
        marked = [block for block in _blocks(self._body) if "cache_control" in block]
        for block in marked[:-MOST_MARKS]:
            del block["cache_control"]
        if len(marked) > MOST_MARKS:
            self._lose("cache_control", f"only the last {MOST_MARKS} marks are sent", "hint")

    def _lose(self, path: str, reason: str, weight: Weight) -> None:
        self._losses.append(Loss(path, reason, weight))


def write_request(request: ChatRequest, facts: ModelFacts, cap: int | None) -> Written:
    """Raises Inexpressible."""
    return RequestWriter(request, facts, cap).write()


def _turn(message: Message) -> Turn:
    parts = message.parts
    return Turn(
        role=message.role,
        answers=any(isinstance(part, ToolResultPart) for part in parts),
        called=any(isinstance(part, ToolCallPart) for part in parts),
        thought=any(
            isinstance(part, ReasoningPart)
            and part.details is not None
            and part.details.vendor == "anthropic"
            for part in parts
        ),
    )


def _blocks(body: Json) -> list[Json]:
    """Everything that may carry a cache mark, in the order of the prompt."""
    found: list[Json] = [*body.get("tools", ())]
    if isinstance(body.get("system"), list):
        found += body["system"]
    for message in body["messages"]:
        for block in message["content"]:
            if block["type"] == "tool_result" and isinstance(block.get("content"), list):
                found += block["content"]
            found.append(block)
    return found


def _as_object(schema: msgspec.Raw | None) -> msgspec.Raw:
    """The root of a tool's schema has to say that it is an object."""
    if schema is None:
        return EMPTY_SCHEMA
    try:
        members = OBJECT.decode(schema)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Inexpressible("tools", "the schema of a tool must be an object") from None
    if "type" in members and bytes(members["type"]) == b'"object"':
        return schema
    return msgspec.Raw(msgspec.json.encode({**members, "type": "object"}))
