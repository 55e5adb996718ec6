"""Open a JSON body one level deep: its members stay the client's own bytes.

What is authorised and what is sent on is the same decoded object: of duplicate members the
last wins, and only one is sent. msgspec checks the grammar of what it skips, not its UTF-8,
so that is checked here. Nesting deeper than the parser allows is refused by the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from providers.wire.errors import Unreadable
from providers.wire.json_text import OBJECT
from providers.wire.prompt import PromptSize, measure

_text = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)
_number = msgspec.json.Decoder(int | None)
_encode = msgspec.json.encode

LONGEST_MODEL_NAME = 200
NULL = msgspec.Raw(b"null")
Measure = Callable[[bytes, Mapping[str, msgspec.Raw]], PromptSize]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NUMBER = b"-0123456789"
BEGINNINGS = {
    "messages": (b"[", "an array"),
    "tools": (b"[", "an array"),
    "max_tokens": (NUMBER, "a number"),
    "max_completion_tokens": (NUMBER, "a number"),
}
"""How members begin that no provider takes in another type. The others are the provider's affair."""

_high, _low = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_lone_surrogate = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:%b(?!%b)|(?<!%b)%b)" % (_high, _low, rb"\\u[dD][89abAB]..", _low)
)


class Envelope:
    """The top-level members of a request; values are raw bytes.

    `model` and `stream` are decoded, since the gateway routes by them.
    """

    __slots__ = ("_measure", "_prompt", "body", "members", "model", "stream")

    def __init__(
        self,
        body: bytes,
        members: dict[str, msgspec.Raw],
        model: str,
        stream: bool,
        measure: Measure,
    ) -> None:
        self.body = body
        self.members = members
        self.model = model
        self.stream = stream
        self._measure = measure
        self._prompt: PromptSize | None = None

    @property
    def prompt(self) -> PromptSize:
        """How large the prompt is; measured once, when first asked."""
        if self._prompt is None:
            self._prompt = self._measure(self.body, self.members)
        return self._prompt

    def with_members(self, changed: dict[str, bytes]) -> bytes:
        """The body again with members set to JSON text; the others are the client's own bytes."""
        raw = {name: msgspec.Raw(value) for name, value in changed.items()}
        return _encode({**self.members, **raw})


def open_envelope(
    body: bytes, required: tuple[str, ...] = (), measure: Measure = measure
) -> Envelope:
    """Decode one level. Raises Unreadable (with the member's name) for what cannot be used.

    `measure` is the Codec's.
    """
    members = _open(body)
    for name in required:
        if name not in members:
            raise Unreadable(name, f"the member `{name}` is missing")
    for name, (beginnings, words) in BEGINNINGS.items():
        raw = members.get(name, NULL)
        left_out = raw == NULL and name not in required
        if not left_out and memoryview(raw)[0] not in beginnings:
            raise Unreadable(name, f"`{name}` must be {words}")
    return Envelope(body, members, _model(members), _stream(members), measure)


def _open(body: bytes) -> dict[str, msgspec.Raw]:
    if not body.strip():
        raise Unreadable("", "the body is empty; it must be a JSON object")
    try:
        members = OBJECT.decode(body)
        if not body.isascii():
            body.decode()
    except RecursionError:
        raise Unreadable("", "the body nests deeper than can be read") from None
    except UnicodeDecodeError as error:
        raise Unreadable("", f"the body is not UTF-8 (at byte {error.start})") from None
    except msgspec.ValidationError:
        raise Unreadable("", "the body must be a JSON object") from None
    except msgspec.DecodeError as error:
        raise Unreadable("", f"the body is not JSON: {_why_not(body, error)}") from None
    return members


def _why_not(body: bytes, error: msgspec.DecodeError) -> str:
    """What the parser says, where we do not know better."""
    if body.startswith(BYTE_ORDER_MARK):
        return "it begins with a byte order mark; leave that out"
    if found := _lone_surrogate.search(body):
        return f"the escape at byte {found.end() - 6} is one half of a surrogate pair without the other"
    return str(error)


def _model(members: dict[str, msgspec.Raw]) -> str:
    try:
        model = _text.decode(members["model"])
    except KeyError:
        raise Unreadable("model", "the member `model` is missing") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unreadable("model", "`model` must be a string") from None
    if not model or len(model) > LONGEST_MODEL_NAME or not model.isprintable():
        raise Unreadable("model", f"`model` must be 1 to {LONGEST_MODEL_NAME} printable characters")
    return model


def _stream(members: dict[str, msgspec.Raw]) -> bool:
    raw = members.get("stream")
    if raw is None or bytes(raw) == b"null":
        return False
    try:
        return _flag.decode(raw)
    except msgspec.DecodeError:
        raise Unreadable("stream", "`stream` must be true or false") from None


def read_count(members: Mapping[str, msgspec.Raw], name: str) -> int | None:
    """A member that is a whole number of at least 1. Raises Unreadable."""
    raw = members.get(name)
    if raw is None:
        return None
    try:
        value: int | None = _number.decode(raw)
    except msgspec.DecodeError:
        raise Unreadable(name, f"`{name}` must be a whole number") from None
    if value is not None and value < 1:
        raise Unreadable(name, f"`{name}` must be at least 1")
    return value


def read_text(members: Mapping[str, msgspec.Raw], name: str) -> str:
    """A member that is a string; "" for anything else."""
    raw = members.get(name)
    if raw is None:
        return ""
    try:
        return _text.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
