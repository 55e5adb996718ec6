"""Find personal data of the built-in kinds in a text: one table, one gate, one pass. Pure.

Where nothing is found little is done: characters that every value of a kind holds are looked for first
(`@`, five digits in a row), at the speed of memory. Whether a shape at some place is a value depends on
the text within LONGEST characters after it and a few before it, never on where the search began.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import accumulate

from usage.transcripts.addresses import find_emails, find_ipv4, find_ipv6
from usage.transcripts.checksums import luhn, mod97
from usage.transcripts.national_ids import NATIONAL_IDS
from usage.transcripts.shapes import EDGE_AFTER, EDGE_BEFORE, GAP, NUMBER_AFTER, Detector, words
from usage.transcripts.spans import Span
from usage.transcripts.together import Together

KINDS = ("EMAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "IP")

IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        "([A-Z]{2})([0-9]{2})",
        """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
        DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23
        IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27
        MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19
        SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
        """,
    )
}

# Issuer ranges as the networks publish them; the length of a number goes with its issuer.
ISSUERS = re.compile(
    r"""(?P<n13_16_19>4)
      | (?P<n16>5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)
      | (?P<n15>3[47])
      | (?P<n14_16_19>36|30[0-59]|3[89])
      | (?P<n16_17_18_19>6011|64[4-9]|65|62|35(?:2[89]|[3-8])|220[0-4]|60|81|82|508)
      | (?P<n13_14_15_16_17_18_19>50[0-9]|5[6-8]|6[37])""",
    re.VERBOSE,
)
_LENGTHS = {
    group: sorted(map(int, group[1:].split("_")), reverse=True) for group in ISSUERS.groupindex
}
_after = re.compile(EDGE_AFTER)
_card_gap = re.compile(r"[^0-9]+")


def _card_end(text: str, start: int, end: int) -> int:
    """The longest number of its issuer that stands the test; what follows it may be a date."""
    issuer = ISSUERS.match(text, start, start + 4)
    if issuer is None or issuer.lastgroup is None:
        return -1
    digits = _card_gap.sub("", text[start:end])
    for length in _LENGTHS[issuer.lastgroup]:
        # The check digit first: it rules out nine of ten.
        if length > len(digits) or not luhn(digits[:length]):
            continue
        place = _places(text, start, end)[length - 1] + 1
        groups = _card_gap.split(text[start:place])
        whole = all(len(group) >= 3 for group in groups[:-1]) and (len(groups) < 9)
        if whole and _after.match(text, place):
            return place
    return -1


def _places(text: str, start: int, end: int) -> list[int]:
    """Where there is a letter or a digit."""
    return [place for place in range(start, end) if text[place].isalnum()]


def _iban_end(text: str, start: int, end: int) -> int:
    """As long as its country says. In small letters only where the rest is digits: not in a digest."""
    country = text[start : start + 2]
    places = _places(text, start, end)
    length = IBAN_LENGTHS.get(country.upper(), 99)
    if length > len(places):
        return -1
    end = places[length - 1] + 1
    value = "".join(text[place] for place in places[:length])
    if not value.isupper() and not value[2:].isdigit():
        return -1
    return end if _after.match(text, end) and mod97(value.upper()) else -1


_DATE = re.compile(
    r"(?:19|20)[0-9]{2}[-/.][01]?[0-9][-/.][0-3]?[0-9](?![0-9])"
    r"|[0-3]?[0-9][-/.][0-3]?[0-9][-/.](?:19|20)[0-9]{2}(?![0-9])"
)
_PAIRS = re.compile(r"0[1-9](?:(?P<gap>[ .\-\u00a0\u202f])[0-9]{2})(?:(?P=gap)[0-9]{2}){3}")
_COUNTRY = r"(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})"


def _international_end(text: str, start: int, end: int) -> int:
    value = text[start:end]
    digits = sum(map(str.isdigit, value)) - (2 if value.startswith("00") else 0)
    return end if 9 <= digits <= 15 else -1


def _trunk_end(text: str, start: int, end: int) -> int:
    """Nine to twelve digits with a gap; pairs only as the French write them, and no date."""
    value = text[start:end]
    digits = sum(map(str.isdigit, value))
    pairs = re.fullmatch(r"[0-9]{2}(?:[^0-9]+[0-9]{2})+", value)
    if not 9 <= digits <= 12 or _DATE.match(value):
        return -1
    return end if pairs is None or _PAIRS.fullmatch(value) else -1


def _worded_end(text: str, start: int, end: int) -> int:
    return -1 if _DATE.match(text, start, end) else end


PHONE_WORDS = words(
    r"tele(?:ph|f)\w*|tel|t[eé]l[eé]phone|t[eé]l|t[eé]l[eé]fono|phones?|mobile?|handy|handynummer|fax|"
    r"cell ?phone|cell number|celular|cellulare|m[oó]vil|portable|rufnummer|whats ?app|sms|hotline|"
    r"(?:call|ring|text|reach) (?:me|us|him|her|them)(?: back)?(?: at| on)?"
)
_NANP = r"[2-9][0-9]{2}"
_IN_ROW = re.compile(r"[0-9][ .\-/:,]\Z")
# A plus begins a number of its own, unless something is added to something.
_INTERNATIONAL = rf"(?:\+|(?<=\\[nrt])\+){_COUNTRY}(?:(?:{GAP}{{0,3}})[0-9]){{5,13}}"


def _phone(name: str, source: str, pattern: re.Pattern[str], **more: object) -> Detector:
    return Detector("PHONE", name, source, pattern, **more)  # type: ignore[arg-type]


DETECTORS = (
    Detector(
        "IBAN",
        "iban",
        "ISO 13616-1, SWIFT IBAN registry",
        re.compile(rf"{EDGE_BEFORE}[A-Za-z]{{2}}[0-9]{{2}}(?:[ \-\u00a0]?[0-9A-Za-z]){{11,30}}"),
        trim=_iban_end,
        shortest=2,
        lettered=True,
    ),
    Detector(
        "CARD",
        "card",
        "ISO/IEC 7812-1",
        re.compile(rf"{EDGE_BEFORE}[2-8][0-9]{{3}}(?:[ .\-\u00a0\u2011\u202f]?[0-9]){{8,15}}"),
        trim=_card_end,
        shortest=13,
    ),
    *NATIONAL_IDS,
    _phone(
        "international",
        "ITU-T E.164, E.123",
        re.compile(
            rf"(?<![0-9A-Za-z_+)\]]){_INTERNATIONAL}{EDGE_AFTER}|(?<=\\[nrt]){_INTERNATIONAL}{EDGE_AFTER}"
        ),
        trim=_international_end,
        shortest=9,
    ),
    _phone(
        "international_00",
        "ITU-T E.164",
        re.compile(
            rf"{EDGE_BEFORE}00{GAP}?{_COUNTRY}{GAP}{{1,3}}[0-9](?:{GAP}{{0,3}}[0-9]){{5,12}}{EDGE_AFTER}"
        ),
        trim=_international_end,
        shortest=12,
    ),
    _phone(
        "north_american",
        "NANPA numbering plan",
        re.compile(
            rf"{EDGE_BEFORE}(?:1[ .\-])?(?:\({_NANP}\) ?|{_NANP}[.\-\u2011])"
            rf"{_NANP}[ .\-\u2011][0-9]{{4}}{EDGE_AFTER}"
        ),
        unless=_IN_ROW,
        shortest=12,
    ),
    _phone(
        "trunk_zero",
        "ITU-T E.123, national plans with trunk prefix 0",
        re.compile(
            rf"{EDGE_BEFORE}(?:\(0[1-9][0-9]{{0,4}}\)|0[1-9][0-9]{{0,4}})"
            rf"(?:{GAP}{{1,3}}[0-9]{{2,9}}){{1,5}}{EDGE_AFTER}(?!{GAP}{{1,3}}{NUMBER_AFTER})"
        ),
        trim=_trunk_end,
        unless=_IN_ROW,
        shortest=10,
    ),
    _phone(
        "area_in_brackets",
        "ITU-T E.123",
        re.compile(rf"{EDGE_BEFORE}\([1-9][0-9]{{1,2}}\) ?[0-9]{{4,5}}[ \-][0-9]{{4}}{EDGE_AFTER}"),
        shortest=11,
    ),
    _phone(
        "after_a_word",
        "ITU-T E.164: at most 15 digits",
        re.compile(rf"{EDGE_BEFORE}\(?[0-9](?:{GAP}{{0,3}}[0-9]){{6,14}}{EDGE_AFTER}"),
        trim=_worded_end,
        needs=PHONE_WORDS,
        shortest=7,
    ),
)

_digits = re.compile(rf"[0-9](?:{GAP}{{0,3}}[0-9]){{5,}}")
# The first two take no more than a digit, because other numbers may begin within what they look at.
_GATE = re.compile(
    r"[0-9](?:"
    r"(?<=[A-Za-z]{2}.)(?=(?P<iban>[0-9](?:[ \-\u00a0]?[0-9A-Za-z]){11}))"
    r"|(?<=[A-Za-z]{6}.)(?=(?P<fiscale>[0-9][A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]))"
    rf"|(?:{GAP}{{0,3}}[0-9]){{5,}})",
)
_LEAD = 8
"""A value begins at most so many characters before its first digit."""
_TRAIL = 64

_BREAK = 0
"""Is in BETWEEN: no value goes across it."""
_DROPPED = bytes(
    mark for mark in range(256) if mark != _BREAK and (mark > 127 or not chr(mark).isalnum())
)
_AS_SHAPE = bytes.maketrans(
    b"123456789ABCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz",
    b"000000000" + b"a" * 51,
)
_may_have_numbers = re.compile(rb"000(?:00|(?<=00a00a000))")
"""Five digits, or the midst of an Italian tax code from its end: few texts have three in a row."""


def _where(shapes: bytes, text: str) -> Iterator[tuple[int, int]]:
    """Which parts of a text, between breaks, may have numbers in them: where each begins and ends."""
    hit = _may_have_numbers.search(shapes)
    if hit is None:
        return
    ends = [*accumulate(len(part) + 1 for part in text.split(chr(_BREAK)))]
    number = at = 0
    while hit is not None:
        number += shapes.count(_BREAK, at, hit.start())
        yield ends[number - 1] if number else 0, ends[number]
        at = shapes.find(_BREAK, hit.start())
        hit = _may_have_numbers.search(shapes, at) if at >= 0 else None


class Finder:
    """Finds the kinds that were chosen."""

    def __init__(self, kinds: Collection[str] = KINDS) -> None:
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown:
            raise ValueError(f"There is no kind {unknown[0]!r}. The kinds are {', '.join(KINDS)}.")
        self._email = "EMAIL" in kinds
        self._ip = "IP" in kinds
        chosen = [detector for detector in DETECTORS if detector.kind in kinds]
        self._plain = Together(detector for detector in chosen if not detector.lettered)
        self._lettered = Together(detector for detector in chosen if detector.lettered)
        self._digits = bool(chosen)

    def find(self, text: str, low: int, high: int, found: list[Span]) -> None:
        """Add what begins from `low` to before `high`, in no order."""
        if self._email and "@" in text:
            find_emails(text, low, high, found)
        if self._ip and ":" in text:
            find_ipv6(text, low, high, found)
        if not (self._digits or self._ip):
            return
        shapes = text.encode("latin-1", "replace").translate(_AS_SHAPE, _DROPPED)
        for begin, end in _where(shapes, text):
            if self._ip:
                find_ipv4(text, max(low, begin), min(high, end), found)
            if self._digits:
                self._find_numbers(text, max(low, begin), min(high, end), end, found)

    def _find_numbers(self, text: str, low: int, high: int, stop: int, found: list[Span]) -> None:
        """Nothing that begins before `high` goes on to `stop`."""
        for place in _GATE.finditer(text, low, stop):
            start, end = place.span()
            if start - _LEAD >= high:
                return
            first = max(low, start - _LEAD)
            if place.lastgroup is not None:
                self._lettered.find(text, first, min(high, end), end + _TRAIL, _TRAIL, found)
                digits = _digits.match(text, start)
                if digits is None:
                    continue
                end = digits.end()
            self._plain.find(text, first, min(high, end), end + _TRAIL, end - start, found)
