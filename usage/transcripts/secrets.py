"""Hide secrets in text: those that are known by value, and those that look like one. Pure.

A known value is hidden whatever surrounds it, and as URLs, JSON and base64 write it. Shapes are those
that vendors publish for their keys, and what stands after the names under which people keep secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import itemgetter

from usage.transcripts.secret_forms import RUN, Forms, base64_core, runs_of
from usage.transcripts.spans import BETWEEN, HIDDEN, SECRET, Span

SHORTEST = 8
"""Shorter values are words, and would be hidden everywhere."""
MOST_HARMLESS = 1000
"""Texts that are remembered to hold nothing."""
LONGEST_NAME = 100
"""A run that is no longer is likely a name of a program or a protocol, and comes again."""
LONGEST_HEAD = 512
"""A shape is told within so many characters; the run that follows may be any length."""

_TOKEN = r"[A-Za-z0-9_\-]"  # noqa: S105
_run = re.compile(rf"[A-Za-z0-9_\-+/]{{{RUN}}}")
_token_tail = re.compile(rf"{_TOKEN}*")
_DOTTED = r"[A-Za-z0-9_\-.]"
_dotted_tail = re.compile(rf"{_DOTTED}*")
_client_key = re.compile(r"pbk_[0-9A-Za-z]{16,}")

# As the vendors document them, and GitHub lists them for its secret scanning.
_PREFIXES = re.findall(
    r"\S+",
    r"sk_live_ sk_test_ rk_live_ rk_test_ whsec_ gsk_ hf_ xai- gho_ ghp_ ghr_ ghs_ ghu_ github_pat_ "
    r"glpat- xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp- r8_ nvapi- pplx- npm_ pypi- dop_v1_ tvly- "
    r"AIza GOCSPX- lin_api_ csk- tgp_v1_ jina_",
)
_WORD = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))"
"""Where a word begins; after a line end or a tab that is escaped, too."""
_AT_WORDS = (*_PREFIXES, "sk-", "eyJ", "ya29.", "SG.", "AKIA", "ASIA")
"""What a shape begins with where a word begins."""
_ANYWHERE = ("pbk_", *(base64_core(b"pbk_", offset) for offset in range(3)))
"""What a shape begins with wherever it stands."""
_hint = re.compile(rf"{_WORD}(?:{'|'.join(map(re.escape, _AT_WORDS))})|{'|'.join(_ANYWHERE)}")
"""Where a shape may begin."""
_LONGEST_PREFIX = 12
_AS_WORDS = bytes(byte if byte < 128 and chr(byte).isalnum() else ord(" ") for byte in range(256))
_HEADS = frozenset(re.findall("[0-9A-Za-z]{1,3}", hint)[0].encode() for hint in _AT_WORDS)
"""How the first word of each hint begins."""
_SHAPES = (
    (re.compile(rf"{_WORD}(?:{'|'.join(_PREFIXES)}){_TOKEN}{{17,}}"), _token_tail),
    # With a digit: `sk-` begins names in programs and style sheets, too.
    (re.compile(rf"{_WORD}sk-(?=[A-Za-z_\-]{{0,60}}[0-9]){_TOKEN}{{17,}}"), _token_tail),
    (re.compile(rf"pbk_[0-9A-Za-z]{{16}}{_TOKEN}*"), _token_tail),
    (
        re.compile(rf"(?:{'|'.join(_ANYWHERE[1:])})[A-Za-z0-9+/_\-]{{40,}}"),
        re.compile(r"[A-Za-z0-9+/_\-]*"),
    ),
    # A JSON Web Token, RFC 7519: the first part is the base64 of `{"…`. Google's and SendGrid's tokens.
    (re.compile(rf"{_WORD}eyJ{_TOKEN}{{17,400}}\.{_DOTTED}+"), _dotted_tail),
    (re.compile(rf"{_WORD}(?:ya29|SG)\.{_TOKEN}{{20}}{_DOTTED}*"), _dotted_tail),
    (re.compile(rf"{_WORD}A[KS]IA[A-Z0-9]{{16}}{_TOKEN}*"), _token_tail),
)
_PEM = "-----BEGIN "
_LINE = r"(?:\s|\\[nr]){0,4}"
# RFC 7468, and the headers of RFC 1421 that OpenSSL still writes; as far as there is base64.
_pem = re.compile(
    rf"-----BEGIN [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_LINE}Proc-Type: 4,ENCRYPTED{_LINE}DEK-Info: [A-Z0-9\-]{{1,30}},[0-9A-Fa-f]{{1,64}})?"
    r"[A-Za-z0-9+/=\s\\]*"
)
_pem_tail = re.compile(r"[A-Za-z0-9+/=\s\\]*")
_userinfo = re.compile(r"://[^\s/:@\"'<>]{0,64}:([^\s/@\"'<>]{1,256})@")

# Names are looked for in bytes, small letters and one for each character, which is done far sooner.
_NAMES = (
    b"key",
    b"token",
    b"secret",
    b"passw",
    b"passphrase",
    b"signature",
    b"credential",
    b"authorization",
)
_COOKIE, _SCHEMES = b"cookie", (b"bearer", b"basic")
_whose_key = re.compile(
    rb"(?:[?&]|(?:api|access|account|auth|encryption|master|private|secret|service|signing)[-_]?)\Z"
)
_in_query = re.compile(rb"[?&][a-z_\-]*\Z")
_MARK = r"[^\s\"'\\,;&<>(){}\[\]]"
_mark_tail = re.compile(rf"{_MARK}*")
_assigned = re.compile(
    r"[A-Za-z_\-]{0,20}(?:\\?[\"'])?\s{0,3}(?:=>|:=|[:=])\s{0,3}(?P<quote>\\?[\"'])?"
    rf"(?:(?i:bearer|basic|token|digest)\s{{1,3}})?(?P<value>{_MARK}{{6,64}})"
)
_BETWEEN, _NUL = BETWEEN.encode(), 0
_scheme = re.compile(rf"(?:bearer|basic)\s{{1,3}}(?P<value>{_MARK}{{16,256}})", re.IGNORECASE)
_FROM_SCHEME = len("bearer") + 3 + 256 - RUN
"""How far a run in the value is from the beginning of its scheme, at most."""
_cookie = re.compile(
    r"cookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[\w!#$%&*+\-.^`|~]{1,64}=)",
    re.IGNORECASE,
)
_cookie_tail = re.compile(r"[^\r\n\"']*")
_FROM_NAME = 96
"""How far a value is from the beginning of its name, at most."""


class SecretFilter:
    """What is known may grow while it is in use, also by another thread: the forms are swapped whole."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: frozenset[str] = frozenset()
        self._forms = Forms()
        self._harmless: set[str] = set()
        self.known(values)

    def known(self, values: Iterable[str]) -> None:
        """Hide these from now on. Client keys need not be known: their shape is theirs alone."""
        new = {
            value
            for value in values
            if len(value) >= SHORTEST and value != HIDDEN and not _client_key.fullmatch(value)
        }
        if new - self._values:
            self._values |= new
            self._forms = Forms(self._values)
            self._harmless = set()

    @property
    def known_count(self) -> int:
        """How many are hidden by now; whoever asks before he looks has looked for that many at least."""
        return self._forms.count

    @property
    def longest(self) -> int:
        """Within so many characters from its beginning, a secret is told."""
        return max(LONGEST_HEAD, self._forms.longest)

    def hide(self, text: str) -> str:
        """The text with `[hidden]` in place of each secret."""
        found: list[Span] = []
        self.find(text, 0, len(text), found)
        if not found:
            return text
        found.sort(key=itemgetter(0))
        pieces: list[str] = []
        written = 0
        for span in found:
            if span.start > written or not pieces:
                pieces += (text[written : span.start], HIDDEN)
            written = max(written, span.end)
        return "".join((*pieces, text[written:]))

    def hide_again(self, text: str) -> str:
        """`hide` for what is short and comes again and again, as names of models do."""
        harmless = (
            self._harmless
        )  # before the search: what was found with the old forms goes with them
        if text in harmless:
            return text
        hidden = self.hide(text)
        if hidden == text:
            if len(harmless) >= MOST_HARMLESS:
                harmless.clear()
            harmless.add(text)
        return hidden

    def hide_bytes(self, data: bytes) -> bytes:
        """The same for bytes of any kind; what is not UTF-8 stays as it is."""
        text = data.decode("utf-8", "surrogateescape")
        hidden = self.hide(text)
        return data if hidden is text else hidden.encode("utf-8", "surrogateescape")

    def find(self, text: str, low: int, high: int, found: list[Span]) -> None:
        """Add what begins from `low` to before `high`, in no order."""
        plain = _plain(text)
        runs = runs_of(plain, low)
        around = _around(text, runs)
        self._find_known(text, low, high, found, around)
        if runs and _may_hint(around):
            _find_shapes(text, runs, low, high, found)
        if _PEM in text:
            _find_pem(text, low, high, found)
        has_colons = ":" in text
        if has_colons and "@" in text and "://" in text:
            _find_userinfo(text, low, high, found)
        if has_colons or "=" in text:
            _find_named(text, plain.lower(), low, high, found)
        if runs and _has_scheme(plain, runs):
            _find_schemes(text, plain.lower(), low, high, found)

    def find_known(self, text: str, low: int, high: int, found: list[Span]) -> None:
        """Known values alone: also in what is too large to be read as text."""
        self._find_known(text, low, high, found, _around(text, runs_of(_plain(text), low)))

    def _find_known(self, text: str, low: int, high: int, found: list[Span], around: str) -> None:
        tail = _Tail(_token_tail)
        for start, end in self._forms.find(text, low, high, around):
            # With the rest of its word, which may be another secret that begins there.
            found.append(Span(start, tail.end(text, end), SECRET, grows=_token_tail))


def _plain(text: str) -> bytes:
    """One byte for each character; what matters here is ASCII."""
    return text.encode("latin-1", "replace")


def _around(text: str, runs: list[tuple[int, int]]) -> str:
    """The runs with what a hint needs before them, and a letter more, which tells where a word begins."""
    return "\n".join([text[max(0, start - _LONGEST_PREFIX - 1) : end] for start, end in runs])


def _find_shapes(
    text: str, runs: list[tuple[int, int]], low: int, high: int, found: list[Span]
) -> None:
    """Every shape has a run, so only those are searched, and a little before them; what comes again, once."""
    ends = [0] * len(_SHAPES)
    names: set[str] = set()
    for start, end in runs:
        if start >= high + _LONGEST_PREFIX:
            return
        first = max(low, start - _LONGEST_PREFIX)
        around = text[max(0, first - 1) : end]
        if around in names or not _may_hint(around):
            continue
        hints = [hint.start() for hint in _hint.finditer(text, first, end)]
        if not hints and end - start <= LONGEST_NAME:
            names.add(around)
        for place in hints:
            for number, (pattern, tail) in enumerate(_SHAPES):
                # Within a match, another of the same shape ends where that one does.
                match = pattern.match(text, place) if low <= place >= ends[number] else None
                if match is not None and place < high:
                    ends[number] = match.end()
                    found.append(Span(*match.span(), SECRET, grows=tail))


def _may_hint(text: str) -> bool:
    """Whether there may be a hint in it, which is told several times sooner than whether there is one."""
    words = _plain(text).translate(_AS_WORDS).split()
    heads = [word[:3] for word in words]
    if "\\" in text:
        heads += [word[1:4] for word in words if word[:1] in (b"n", b"r", b"t")]
    return not _HEADS.isdisjoint(heads) or any(hint in text for hint in _ANYWHERE)


def _find_pem(text: str, low: int, high: int, found: list[Span]) -> None:
    for match in _pem.finditer(text, low):
        if match.start() >= high:
            return
        found.append(Span(*match.span(), SECRET, grows=_pem_tail))


def _find_userinfo(text: str, low: int, high: int, found: list[Span]) -> None:
    place = text.find("://", max(0, low - _FROM_NAME))
    while 0 <= place < high:
        match = _userinfo.match(text, place)
        if match is not None and low <= match.start(1) < high:
            found.append(Span(*match.span(1), SECRET))
        place = text.find("://", place + 1)


class _Tail:
    """The end of a run of characters, looked for once in each run."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._start = self._end = -1

    def end(self, text: str, start: int) -> int:
        if not self._start <= start < self._end:
            match = self._pattern.match(text, start)
            self._start, self._end = start, match.end() if match is not None else start
        return self._end

    def add(self, match: re.Match[str], low: int, high: int, found: list[Span]) -> None:
        start, end = match.span("value")
        if low <= start < high:
            found.append(Span(start, self.end(match.string, end), SECRET, grows=self._pattern))


def _find_named(text: str, lower: bytes, low: int, high: int, found: list[Span]) -> None:
    """Values after a name such as `password=`; unquoted ones need a digit, or they may be code."""
    for name in _NAMES:
        if lower.find(name) < 0:
            continue
        tail = _Tail(_mark_tail)
        for place in _places(lower, name, low, high):
            match = _assigned.match(text, place + len(name))
            if match is not None and _is_value(match, lower, place):
                tail.add(match, low, high, found)
    if lower.find(_COOKIE) < 0:
        return
    tail = _Tail(_cookie_tail)
    for place in _places(lower, _COOKIE, low, high):
        match = _cookie.match(text, place)
        if match is not None:
            tail.add(match, low, high, found)


def _has_scheme(plain: bytes, runs: list[tuple[int, int]]) -> bool:
    """Whether a scheme stands so near before a run, in the same text, that the run may be in its value."""
    near, done = [], 0
    for start, _ in runs:
        begin = max(done, start - _FROM_SCHEME)
        between = plain.rfind(_NUL, begin, start)
        if between > begin and plain.startswith(_BETWEEN, between - 1):
            begin = between
        near.append(plain[begin:start])
        done = start
    before = b" ".join(near).lower()
    return any(before.find(scheme) >= 0 for scheme in _SCHEMES)


def _find_schemes(text: str, lower: bytes, low: int, high: int, found: list[Span]) -> None:
    """`Bearer` and what looks like a key, also without a name before it."""
    for scheme in _SCHEMES:
        tail = _Tail(_mark_tail)
        for place in _places(lower, scheme, low, high):
            match = _scheme.match(text, place)
            if match is not None and _run.search(match["value"]) and _has_digit(match):
                tail.add(match, low, high, found)


def _places(lower: bytes, name: bytes, low: int, high: int) -> Iterator[int]:
    place = lower.find(name, max(0, low - _FROM_NAME))
    while 0 <= place < high:
        yield place
        place = lower.find(name, place + 1)


def _is_value(match: re.Match[str], lower: bytes, name_at: int) -> bool:
    before = lower[max(0, name_at - 24) : name_at]
    if lower.startswith(b"key", name_at) and not _whose_key.search(before):
        return False
    if _in_query.search(before):
        return True
    value = match["value"]
    if len(value) < SHORTEST:
        return False
    return match["quote"] is not None or (_has_digit(match) and not value.isdigit())


def _has_digit(match: re.Match[str]) -> bool:
    return any(mark in "0123456789" for mark in match["value"][:64])
