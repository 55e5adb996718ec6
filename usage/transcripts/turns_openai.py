"""What was said in Chat Completions, as turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from usage.transcripts.turns import (
    JSON,
    Part,
    Said,
    Turn,
    media,
    members,
    objects,
    other,
    text,
    texts,
)

RESULTS = ("tool", "function")


def read_openai_chat(request: JSON, response: JSON) -> Said:
    """Several choices are several answers."""
    choices = objects(response.get("choices"))
    tools = [
        text(members(tool.get("function") or tool.get("custom")).get("name") or tool.get("type"))
        for tool in objects(request.get("tools"))
    ]
    stops = [text(choice.get("finish_reason")) for choice in choices]
    return Said(
        [_turn(message) for message in objects(request.get("messages"))],
        [_turn({"role": "assistant", **members(choice.get("message"))}) for choice in choices],
        tools,
        ", ".join(stop for stop in stops if stop),
    )


def _turn(message: JSON) -> Turn:
    role = text(message.get("role"))
    content = list(_content(message.get("content")))
    if role in RESULTS:
        words = "\n".join(
            part.text if part.kind == "text" else f"[{part.text}]" for part in content
        )
        call = text(message.get("tool_call_id"))
        return Turn("tool", [Part("result", words, text(message.get("name")), call)])
    if role == "developer":
        role = "system"
    thought = text(message.get("reasoning_content") or message.get("reasoning"))
    thoughts = [Part("thinking", thought)] if thought else []
    return Turn(role, [*thoughts, *content, *_more(message)])


def _more(message: JSON) -> Iterator[Part]:
    """What stands beside the content of an answer."""
    yield from texts(text(message.get("refusal")))
    for call in objects(message.get("tool_calls")):
        function = members(call.get("function") or call.get("custom"))
        words = text(function.get("arguments") or function.get("input"))
        yield Part("call", words, text(function.get("name")), text(call.get("id")))
    old = members(message.get("function_call"))
    if old:
        yield Part("call", text(old.get("arguments")), text(old.get("name")))
    sound = members(message.get("audio"))
    if sound:
        yield media("audio", text(sound.get("data")), name=text(sound.get("transcript")))


def _content(content: Any) -> Iterator[Part]:
    if isinstance(content, list):
        for part in objects(content):
            yield from _part(part)
    else:
        yield from texts(text(content))


def _part(part: JSON) -> list[Part]:
    kind = part.get("type")
    match kind:
        case "text" | "refusal":
            return texts(text(part.get(kind)))
        case "image_url":
            image = part.get("image_url")
            return [media("image", text(members(image).get("url") or image))]
        case "input_audio":
            sound = members(part.get("input_audio"))
            return [media("audio", text(sound.get("data")), text(sound.get("format")))]
        case "file":
            file = members(part.get("file"))
            name = text(file.get("filename") or file.get("file_id"))
            return [media("document", text(file.get("file_data")), name=name)]
        case _:
            return [other(part)]
