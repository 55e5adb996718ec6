"""Find e-mail and IP addresses, each from a character that it cannot do without. Pure."""

from __future__ import annotations

import ipaddress
import re

from usage.transcripts.spans import Span

LONGEST_LOCAL = 64
"""RFC 5321, 4.5.3.1.1."""

_domain = re.compile(r"@((?:[^\W_](?:[^\W_]|-){0,62}\.){1,8}[^\W\d_]{2,24})(?!\w)(?!-[^\W_])")
"""Names of hosts (RFC 5321), in letters of any language (RFC 6531); no address in square brackets."""
_local = re.compile(r"[\w.+\-%'&]+\Z")
"""What addresses are made of in practice; RFC 5321 allows more, which code and markup use otherwise."""
_not_local = re.compile(r"(?:%[0-9A-Fa-f]{2}|[.'\-&%])+")
"""What may stand there, but not first."""
_no_domain = re.compile(r"@(?:[0-9]+x|v?[0-9]+\.[0-9]+)\.")
"""`icon@2x.png`, `package@v1.2.3-rc.one`."""
_userinfo = re.compile(r"://[^\s/@]*:\Z")

_dot = re.compile(r"\.(?<=[0-9]\.)(?=[0-9]{1,3}\.[0-9]{1,3}(?![0-9]))")
_quad = re.compile(
    r"(?:(?<![0-9A-Za-z_])(?<![0-9]\.)(?<![A-Za-z_][.\-])|(?<=\\[nrt]))"
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    r"(?![0-9A-Za-z_])(?!\.[0-9A-Za-z])(?!-[A-Za-z])"
)
_version_before = re.compile(
    r"(?i)(?:(?<![a-z])(?:version|versions|ver|v|rev|revision|release|build|firmware|section|chapter|"
    r"clause|figure|table|step|oid|package|upgrade to|upgraded to)[^0-9a-z]{0,4}"
    r"|§ ?|[<>~!^=]= ?|[<>~^] ?|[A-Za-z]/(?<!\bip/))\Z"
)

_colon = re.compile(
    r":(?<=[0-9A-Fa-f]{4}:)"
    r"(?:(?<![0-9A-Za-z_:.][0-9A-Fa-f]{4}:)|(?<=\\[nrt][0-9A-Fa-f]{4}:))"
    r"[0-9A-Fa-f:.]{2,41}(?![0-9A-Za-z_])"
)
_allocated = re.compile(r"[23]|f[cdf]|fe[89ab]", re.IGNORECASE)
"""First digits of addresses in use (IANA IPv6 address space): not of `abc::def` in a program."""


def find_emails(text: str, low: int, high: int, found: list[Span]) -> None:
    """Addresses that begin from `low` to before `high`."""
    at = text.find("@", low)
    while 0 <= at <= high + LONGEST_LOCAL:
        domain = _domain.match(text, at)
        if domain is not None:
            start = _local_start(text, at)
            if low <= start < high and start < at and not _is_other(text, start, at):
                value = text[start : domain.end()]
                found.append(Span(start, domain.end(), "EMAIL", value.casefold()))
        at = text.find("@", at + 1)


def _local_start(text: str, at: int) -> int:
    match = _local.search(text, max(0, at - LONGEST_LOCAL), at)
    if match is None:
        return at
    start = match.start()
    if start and text[start - 1] == "\\" and text[start] in "nrt":
        start += 1  # a line end, escaped
    edge = _not_local.match(text, start, at)
    return edge.end() if edge is not None else start


def _is_other(text: str, start: int, at: int) -> bool:
    """A picture, a package, a repository, or the password of a URL."""
    if _no_domain.match(text, at) is not None or text[start:at] == "git":
        return True
    return _userinfo.search(text, max(0, start - 80), start) is not None


def find_ipv4(text: str, low: int, high: int, found: list[Span]) -> None:
    """Four numbers to 255; not a version, nor an address that means no machine in particular."""
    for dot in _dot.finditer(text, low, min(len(text), high + 16)):
        start = dot.start() - 1
        while start > dot.start() - 3 and start > 0 and text[start - 1] in "0123456789":
            start -= 1
        quad = _quad.match(text, start)
        if quad is None or not low <= start < high:
            continue
        parts = quad[0].split(".")
        if any(int(part) > 255 or (part[0] == "0" and part != "0") for part in parts):
            continue
        if parts[0] in ("0", "127", "255"):
            continue
        if all(len(part) == 1 for part in parts):
            continue  # 1.2.3.4 is a version, and 8.8.8.8 nobody's
        found.append(Span(start, quad.end(), "IP", quad[0], unless=_version_before))


def find_ipv6(text: str, low: int, high: int, found: list[Span]) -> None:
    """Whole or shortened (RFC 4291), of the blocks in use."""
    for match in _colon.finditer(text, low, min(len(text), high + 64)):
        start = match.start() - 4
        if not low <= start < high or _allocated.match(text, start) is None:
            continue
        written = text[start : match.end()].rstrip(".")
        for candidate in (written, written.removesuffix(":")):
            try:
                address = ipaddress.IPv6Address(candidate)
            except ValueError:
                continue
            found.append(Span(start, start + len(candidate), "IP", str(address)))
            break
