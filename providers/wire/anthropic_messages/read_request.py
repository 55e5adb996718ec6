"""Read a Messages request into the hub."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from providers.wire.anthropic_messages.read_messages import (
    read_cache_mark,
    read_messages,
    read_system,
)
from providers.wire.errors import Inexpressible, Unreadable
from providers.wire.members import Members
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

HINTS = {
    "cache_control": "marks for a prompt cache are not translated",
    "context_management": "what the vendor drops from a long context is its own",
    "inference_geo": "where the provider computes is its own",
    "speed": "how fast the provider computes is its own",
    "diagnostics": "the vendor's diagnostics are its own",
    "betas": "previews of the vendor are its own",
}
STATEFUL = {
    "container": "a container of the vendor cannot be reached from elsewhere",
    "mcp_servers": "servers that the vendor calls itself cannot be translated",
}
TIERS = {"auto": "auto", "standard_only": "default"}
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_request(members: Mapping[str, msgspec.Raw]) -> tuple[ChatRequest, list[Loss]]:
    """Raises Unreadable for what is no such request, Inexpressible for what only its vendor can do."""
    losses: list[Loss] = []
    body = Members(members, "", losses)
    for name, reason in STATEFUL.items():
        if body.raw(name) is not None:
            raise Inexpressible(name, reason)
    choice, parallel = _tool_choice(body)
    tools, hosted = _tools(body)
    reasoning, output = _reasoning_and_output(body)
    tier = body.text("service_tier")
    request = ChatRequest(
        model=body.needed_text("model"),
        messages=read_messages(body.objects("messages")),
        system=read_system(body),
        tools=tools,
        hosted_tools=hosted,
        tool_choice=choice,
        parallel_calls=parallel,
        sampling=_sampling(body),
        output=output,
        reasoning=reasoning,
        stream=body.flag("stream") or False,
        end_user=_end_user(body),
        service_tier=None if tier is None else TIERS.get(tier, tier),
    )
    for name, reason in HINTS.items():
        body.lose(name, reason, hint=True)
    body.close()
    return request, losses


def _sampling(body: Members) -> Sampling:
    return Sampling(
        max_tokens=body.whole("max_tokens"),
        temperature=body.number("temperature"),
        top_p=body.number("top_p"),
        top_k=body.whole("top_k"),
        stop=body.texts("stop_sequences") or [],
    )


def _end_user(body: Members) -> str | None:
    metadata = body.member("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    metadata.close()
    return user


def _reasoning_and_output(
    body: Members,
) -> tuple[ReasoningConfig | None, OutputFormat | None]:
    """`output_config` holds the effort and the format; the format was once a member of its own."""
    config = body.member("output_config")
    effort = config.text("effort") if config else None
    wanted = config.member("format") if config else None
    older = body.member("output_format")
    output = _output(wanted or older)
    if config is not None:
        config.close()
    return _reasoning(body, effort), output


def _output(wanted: Members | None) -> OutputFormat | None:
    if wanted is None:
        return None
    kind = wanted.needed_text("type")
    if kind != "json_schema":
        raise Inexpressible(wanted.path, f"the answer format `{kind}` is not known here")
    output = OutputFormat(schema=wanted.raw("schema"), name=wanted.text("name"))
    wanted.close()
    return output


def _reasoning(body: Members, effort: str | None) -> ReasoningConfig | None:
    thinking = body.member("thinking")
    if thinking is None:
        return ReasoningConfig(effort=effort) if effort else None
    kind = thinking.needed_text("type")
    budget = thinking.whole("budget_tokens")
    show = thinking.text("display")
    thinking.close()
    if kind == "disabled":
        return ReasoningConfig(effort="none")
    if kind == "enabled" and budget is None:
        raise Unreadable("thinking.budget_tokens", "`thinking.budget_tokens` is missing")
    return ReasoningConfig(
        effort=effort,
        budget=budget,
        adaptive=kind != "enabled",
        show="none" if show == "omitted" else "summary",
    )


def _tools(body: Members) -> tuple[list[Tool], list[HostedTool]]:
    tools: list[Tool] = []
    hosted: list[HostedTool] = []
    for tool in body.objects("tools"):
        kind = tool.text("type") or "custom"
        if kind != "custom":
            hosted.append(HostedTool(kind, "anthropic"))
            continue
        tools.append(
            Tool(
                name=tool.needed_text("name"),
                description=tool.text("description"),
                schema=tool.raw("input_schema"),
                strict=tool.flag("strict"),
                deferred=tool.flag("defer_loading") or False,
                cache=read_cache_mark(tool),
            )
        )
        for name in ("input_examples", "eager_input_streaming", "allowed_callers"):
            tool.lose(name, "the vendor's own help for its tools is not translated", hint=True)
        tool.close()
    return tools, hosted


def _tool_choice(body: Members) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may come in parallel."""
    choice = body.member("tool_choice")
    if choice is None:
        return None, None
    kind = choice.needed_text("type")
    single = choice.flag("disable_parallel_tool_use")
    parallel = None if single is None else not single
    if kind == "tool":
        return ToolChoice("named", [choice.needed_text("name")]), parallel
    choice.close()
    match CHOICES.get(kind):
        case "auto" | "required" | "none" as mode:
            return ToolChoice(mode), parallel
        case _:
            raise Unreadable("tool_choice.type", f"the tool choice `{kind}` is not known here")
