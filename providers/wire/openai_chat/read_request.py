"""Read a Chat Completions request into the hub."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from providers.wire.errors import Inexpressible, Unreadable
from providers.wire.members import Members, is_text, read_text
from providers.wire.model import (
    ChatRequest,
    HostedTool,
    Loss,
    OutputFormat,
    ReasoningConfig,
    Sampling,
    Tool,
    ToolChoice,
)
from providers.wire.openai_chat.read_messages import read_cache_mark, read_messages

HINTS = {
    "metadata": "labels for the vendor's own dashboard",
    "store": "the provider keeps what it keeps",
    "prediction": "a predicted answer only makes this one faster",
    "prompt_cache_retention": "how long a prompt is cached is the provider's own",
    "prompt_cache_options": "how a prompt is cached is the provider's own",
}
STATEFUL = {
    "audio": "answers in sound cannot be translated",
    "web_search_options": "a search that the vendor runs itself cannot be translated",
    "functions": "the old `functions` cannot be translated; use `tools`",
    "function_call": "the old `function_call` cannot be translated; use `tool_choice`",
    "moderation": "the vendor's own moderation cannot be translated",
}


def read_request(members: Mapping[str, msgspec.Raw]) -> tuple[ChatRequest, list[Loss]]:
    """Raises Unreadable for what is no such request, Inexpressible for what only its vendor can do."""
    losses: list[Loss] = []
    body = Members(members, "", losses)
    _refuse(body)
    system, messages = read_messages(body.objects("messages"))
    tools, hosted = _tools(body)
    request = ChatRequest(
        model=body.needed_text("model"),
        messages=messages,
        system=system,
        tools=tools,
        hosted_tools=hosted,
        tool_choice=_tool_choice(body),
        parallel_calls=body.flag("parallel_tool_calls"),
        sampling=_sampling(body),
        output=_output(body),
        reasoning=_reasoning(body),
        stream=body.flag("stream") or False,
        end_user=body.text("safety_identifier") or body.text("user"),
        service_tier=body.text("service_tier"),
        cache_key=body.text("prompt_cache_key"),
    )
    body.skip("stream_options", "user")
    for name, reason in HINTS.items():
        body.lose(name, reason, hint=True)
    body.close()
    return request, losses


def _refuse(body: Members) -> None:
    for name, reason in STATEFUL.items():
        if body.raw(name) is not None:
            raise Inexpressible(name, reason)
    modalities = body.texts("modalities")
    if modalities is not None and modalities != ["text"]:
        raise Inexpressible("modalities", "answers in anything but text cannot be translated")


def _sampling(body: Members) -> Sampling:
    cap = body.whole("max_completion_tokens")
    older_cap = body.whole("max_tokens")
    return Sampling(
        max_tokens=older_cap if cap is None else cap,
        temperature=body.number("temperature"),
        top_p=body.number("top_p"),
        top_k=body.whole("top_k"),
        stop=_stop(body),
        seed=body.whole("seed"),
        presence_penalty=body.number("presence_penalty"),
        frequency_penalty=body.number("frequency_penalty"),
        logit_bias=body.raw("logit_bias"),
        logprobs=body.flag("logprobs"),
        top_logprobs=body.whole("top_logprobs"),
        n=body.whole("n"),
    )


def _stop(body: Members) -> list[str]:
    raw = body.raw("stop")
    if raw is None:
        return []
    if is_text(raw):
        return [read_text(raw, "stop")]
    try:
        return msgspec.json.decode(raw, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unreadable("stop", "`stop` must be a string or an array of strings") from None


def _reasoning(body: Members) -> ReasoningConfig | None:
    effort = body.text("reasoning_effort")
    return None if effort is None else ReasoningConfig(effort=effort)


def _output(body: Members) -> OutputFormat | None:
    wanted = body.member("response_format")
    if wanted is None:
        return None
    kind = wanted.needed_text("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat()
    if kind != "json_schema":
        raise Inexpressible("response_format", f"the answer format `{kind}` is not known here")
    inner = wanted.member("json_schema")
    if inner is None:
        raise Unreadable("response_format.json_schema", "`json_schema` is missing")
    output = OutputFormat(
        schema=inner.raw("schema"),
        name=inner.text("name"),
        description=inner.text("description"),
        strict=inner.flag("strict"),
    )
    inner.close()
    wanted.close()
    return output


def _tools(body: Members) -> tuple[list[Tool], list[HostedTool]]:
    tools: list[Tool] = []
    hosted: list[HostedTool] = []
    for tool in body.objects("tools"):
        kind = tool.text("type") or "function"
        if kind != "function":
            hosted.append(HostedTool(kind, "openai"))
            continue
        function = tool.member("function")
        if function is None:
            raise Unreadable(tool.at("function"), f"`{tool.at('function')}` is missing")
        tools.append(
            Tool(
                name=function.needed_text("name"),
                description=function.text("description"),
                schema=function.raw("parameters"),
                strict=function.flag("strict"),
                cache=read_cache_mark(tool),
            )
        )
        function.close()
        tool.close()
    return tools, hosted


def _tool_choice(body: Members) -> ToolChoice | None:
    raw = body.raw("tool_choice")
    if raw is None:
        return None
    if is_text(raw):
        return _mode(read_text(raw, "tool_choice"))
    choice = Members.of(raw, "tool_choice", body.losses)
    kind = choice.text("type") or "function"
    if kind == "function":
        return ToolChoice("named", [_named(choice)])
    if kind == "allowed_tools":
        return _allowed(choice)
    raise Inexpressible("tool_choice", f"the tool choice `{kind}` cannot be translated")


def _mode(word: str) -> ToolChoice:
    """`any` is Mistral's word for required."""
    match word:
        case "auto" | "required" | "none":
            return ToolChoice(word)
        case "any":
            return ToolChoice("required")
        case _:
            raise Unreadable("tool_choice", "`tool_choice` must be auto, required, none or a tool")


def _named(choice: Members) -> str:
    function = choice.member("function")
    if function is None:
        raise Unreadable(choice.at("function"), f"`{choice.at('function')}` is missing")
    return function.needed_text("name")


def _allowed(choice: Members) -> ToolChoice:
    allowed = choice.member("allowed_tools")
    if allowed is None:
        raise Unreadable("tool_choice.allowed_tools", "`allowed_tools` is missing")
    found = _mode(allowed.text("mode") or "auto")
    found.names = [_named(tool) for tool in allowed.objects("tools")]
    return found
