"""Chunked bodies (RFC 9112, section 7.1): join the chunks that came in one read. Sans-I/O."""

from __future__ import annotations

import re

LAST_CHUNK = b"0\r\n\r\n"

_line_end = re.compile(rb"\r\n")  # cuts twice as fast as bytes.split does
_size_line = b"%x".__mod__


def joined(data: bytes) -> bytes | None:
    """The same chunks as one, and the last one if it is there; None if these are not whole chunks.

    Sizes must be written as most servers do, in small letters and with nothing else on the line,
    and content must hold no CRLF. Of anything else whoever reads the chunks is to be the judge.
    """
    *lines, rest = _line_end.split(data)
    sizes, contents = lines[::2], lines[1::2]
    if rest or not contents or sizes != [*map(_size_line, map(len, contents))]:
        return None
    if b"" in contents[:-1]:  # something follows the last chunk
        return None
    content = b"".join(contents)
    last = b"" if contents[-1] else LAST_CHUNK
    return b"%x\r\n%b\r\n%b" % (len(content), content, last) if content else last
