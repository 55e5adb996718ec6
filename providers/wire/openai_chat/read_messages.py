"""Read the messages of a Chat Completions request into the hub.

Empty texts are no parts: servers and clients write "", null and nothing at all for the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter

import msgspec

from providers.wire.carriers import unpack
from providers.wire.errors import Inexpressible, Unreadable
from providers.wire.members import Members, is_text, objects, read_text
from providers.wire.model import (
    Base64,
    CacheMark,
    FileRef,
    MediaKind,
    MediaPart,
    Message,
    Part,
    ProviderDetails,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Url,
)

AUDIO = {"wav": "audio/wav", "mp3": "audio/mpeg"}

_data_url = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)


def read_messages(messages: Iterable[Members]) -> tuple[list[TextPart], list[Message]]:
    """The system texts before the first turn, and the turns."""
    system: list[TextPart] = []
    turns: list[Message] = []
    for message in messages:
        role = message.needed_text("role")
        if role in ("system", "developer"):
            texts = _texts(message)
            if turns:
                turns.append(Message("system", [*texts], message.path))
            else:
                system += texts
        else:
            turns.append(_turn(message, role))
        message.lose("name", "names of speakers are not translated", hint=True)
        message.close()
    return system, turns


def _turn(message: Members, role: str) -> Message:
    match role:
        case "user":
            return Message("user", list(_content(message)), message.path)
        case "assistant":
            return Message("assistant", _assistant(message), message.path)
        case "tool":
            return Message("user", [_result(message)], message.path)
        case _:
            raise Inexpressible(message.at("role"), f"the role `{role}` is not known here")


def _texts(message: Members) -> list[TextPart]:
    parts = list(_content(message))
    texts = [part for part in parts if isinstance(part, TextPart)]
    if len(texts) != len(parts):
        raise Unreadable(message.at("content"), f"`{message.at('content')}` must be text")
    return texts


def _result(message: Members) -> ToolResultPart:
    parts = [
        TextPart(part.text) if isinstance(part, RefusalPart) else part for part in _content(message)
    ]
    return ToolResultPart(message.needed_text("tool_call_id"), parts=parts)


def _assistant(message: Members) -> list[Part]:
    """Reasoning before text before calls, but for thoughts that we gave a place of their own."""
    if message.raw("audio") is not None or message.raw("function_call") is not None:
        raise Inexpressible(
            message.path, "earlier answers in sound or old calls are not translated"
        )
    thoughts = _reasoning(message)
    rest: list[Part] = list(_content(message))
    refusal = message.text("refusal")
    if refusal:
        rest.append(RefusalPart(refusal))
    rest += [_call(call) for call in message.objects("tool_calls")]
    message.skip("annotations")
    return _placed(thoughts, rest)


def _placed(thoughts: list[tuple[int, ReasoningPart]], rest: list[Part]) -> list[Part]:
    """Each thought at its place; what else there is fills the gaps."""
    parts: list[Part] = []
    others = iter(rest)
    for place, thought in sorted(thoughts, key=itemgetter(0)):
        parts += islice(others, max(0, place - len(parts)))
        parts.append(thought)
    return [*parts, *others]


def _reasoning(message: Members) -> list[tuple[int, ReasoningPart]]:
    """What was thought, and where: blocks whose state we sent along, else the plain text."""
    text = message.text("reasoning_content") or message.text("reasoning") or ""
    message.skip("reasoning")
    raw = message.raw("reasoning_details")
    ours = [] if raw is None else list(_carried(raw, message.at("reasoning_details")))
    return ours or ([(0, ReasoningPart(text))] if text else [])


def _carried(raw: msgspec.Raw, path: str) -> Iterator[tuple[int, ReasoningPart]]:
    for entry in objects(raw, path, []):
        state = unpack(entry.text("signature") or entry.text("data") or "")
        if state is not None:
            redacted = state.kind == "redacted"
            thought = ReasoningPart(entry.text("text") or "", redacted, state)
            yield entry.whole("index") or 0, thought


def _call(call: Members) -> ToolCallPart:
    kind = call.text("type") or "function"
    function = call.member("function")
    if kind != "function" or function is None:
        raise Inexpressible(call.path, f"calls of the kind `{kind}` cannot be translated")
    part = ToolCallPart(
        call_id=call.needed_text("id"),
        name=function.needed_text("name"),
        arguments=function.text("arguments") or "",
        details=_thought_signature(call),
    )
    function.close()
    call.skip("index")
    call.close()
    return part


def _thought_signature(call: Members) -> ProviderDetails | None:
    """The state that Google's servers want back with a call."""
    extra = call.member("extra_content")
    google = extra.member("google") if extra else None
    signature = google.text("thought_signature") if google else None
    return ProviderDetails("google", "call", signature) if signature else None


def _content(message: Members) -> Iterator[TextPart | MediaPart | RefusalPart]:
    raw = message.raw("content")
    if raw is None:
        return
    path = message.at("content")
    if is_text(raw):
        text = read_text(raw, path)
        if text:
            yield TextPart(text)
        return
    for member in objects(raw, path, message.losses):
        part = _part(member)
        if part is not None:
            yield part
        member.close()


def _part(part: Members) -> TextPart | MediaPart | RefusalPart | None:
    kind = part.needed_text("type")
    cache = read_cache_mark(part)
    match kind:
        case "text":
            text = part.needed_text("text")
            return TextPart(text, cache) if text else None
        case "refusal":
            return RefusalPart(part.needed_text("refusal"))
        case "image_url":
            return _image(part, cache)
        case "input_audio":
            return _audio(part, cache)
        case "file":
            return _file(part, cache)
        case _:
            raise Inexpressible(part.path, f"parts of the kind `{kind}` are not known here")


def read_cache_mark(part: Members) -> CacheMark | None:
    """OpenRouter and its like take Anthropic's cache marks."""
    mark = part.member("cache_control")
    return None if mark is None else CacheMark(mark.text("ttl"))


def _image(part: Members, cache: CacheMark | None) -> MediaPart:
    """Mistral writes the address as a plain string."""
    raw = part.raw("image_url")
    if raw is None:
        raise Unreadable(part.at("image_url"), f"`{part.at('image_url')}` is missing")
    if is_text(raw):
        url, detail = read_text(raw, part.at("image_url")), None
    else:
        image = Members.of(raw, part.at("image_url"), part.losses)
        url, detail = image.needed_text("url"), image.text("detail")
        image.close()
    found = _data_url.match(url)
    if found is None:
        return MediaPart("image", "", Url(url), detail=detail, cache=cache)
    return MediaPart("image", found[1], Base64(url[found.end() :]), detail=detail, cache=cache)


def _audio(part: Members, cache: CacheMark | None) -> MediaPart:
    audio = part.member("input_audio")
    if audio is None:
        raise Unreadable(part.at("input_audio"), f"`{part.at('input_audio')}` is missing")
    form = audio.needed_text("format")
    return MediaPart(
        "audio", AUDIO.get(form, f"audio/{form}"), Base64(audio.needed_text("data")), cache=cache
    )


def _file(part: Members, cache: CacheMark | None) -> MediaPart:
    """A file by value comes as a data URL; bare base64 is a PDF, which is all that used to be taken."""
    file = part.member("file")
    if file is None:
        raise Unreadable(part.at("file"), f"`{part.at('file')}` is missing")
    name = file.text("filename")
    identifier = file.text("file_id")
    if identifier is not None:
        return MediaPart("document", "", FileRef("openai", identifier), name, cache=cache)
    data = file.needed_text("file_data")
    found = _data_url.match(data)
    if found is None:
        return MediaPart("document", "application/pdf", Base64(data), name, cache=cache)
    mime = found[1] or "application/pdf"
    kind: MediaKind = "image" if mime.startswith("image/") else "document"
    return MediaPart(kind, mime, Base64(data[found.end() :]), name, cache=cache)
