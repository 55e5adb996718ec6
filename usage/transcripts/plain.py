"""Make text of strangers safe to show: no control character and no terminal escape gets out. Pure."""

from __future__ import annotations

import re

from providers.wire.octets import DEL

_unsafe = re.compile(
    "["
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls of terminals, but tab and line feed
    r"\u061c\u200b\u200e\u200f\u2028-\u202e"  # unseen, or turning the order of what is seen
    r"\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff"  # halves of characters, which no file takes
    r"\U000e0000-\U000e007f"  # text that people do not see and models read
    "]"
)

_unsafe_in_utf8 = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]"
    rb"|\xef(?:\xbb\xbf|\xbf[\xb9-\xbb])|\xf3\xa0[\x80\x81]"
)
"""The same as UTF-8, but for what JSON never has in it as it is, and what is no UTF-8."""


def shown(text: str) -> str:
    """The text with what is not to be sent to a terminal written as `\\x1b`. Lines stay lines."""
    return _unsafe.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same in one line."""
    if text.isascii() and text.isprintable():
        return text
    return shown(text).replace("\n", "\\n").replace("\t", "\\t")


def shown_json(text: str) -> str:
    """JSON that means the same, with such characters as JSON escapes; they stand in its strings only."""
    return _unsafe.sub(_json_escape, text)


def in_one_line(data: bytes) -> bytes:
    """The same for JSON as an encoder writes it, in UTF-8, that is to be a line of a log."""
    if data.isascii() and DEL not in data:
        return data
    if _is_suspicious(data) and _unsafe_in_utf8.search(data):
        return shown_json(data.decode()).encode()
    return data


def _is_suspicious(data: bytes) -> bool:
    """Whether there is a byte that such a character begins with: most texts need no search."""
    return (
        0xE2 in data or 0xC2 in data or 0xEF in data or DEL in data or 0xD8 in data or 0xF3 in data
    )


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
