"""Check digits: tells a number of a kind from a number of that length. Pure; each names its source."""

from __future__ import annotations

from datetime import date

_VERHOEFF_PRODUCT = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_TURN = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)

_ONCE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right is doubled."""
    marks = digits.encode()
    doubled = marks[-2::-2].translate(_DOUBLED)
    return (sum(doubled) + sum(marks[-1::-2].translate(_ONCE))) % 10 == 0


def mod97(text: str) -> bool:
    """ISO/IEC 7064 MOD 97-10 as ISO 13616 uses it: the first four go last, letters count from 10."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(mark, 36)) for mark in turned)) % 97 == 1


def mod11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10: the German tax number."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def mod11_2(text: str) -> bool:
    """ISO/IEC 7064 MOD 11-2, where X is ten: GB 11643-1999, the Chinese resident number."""
    total = 0
    for mark in text:
        total = total * 2 + (10 if mark == "X" else int(mark))
    return total % 11 == 1


def verhoeff(digits: str) -> bool:
    """Verhoeff 1969, with the dihedral group of ten: Aadhaar."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        turned = _VERHOEFF_TURN[place % 8][int(digit)]
        check = int(_VERHOEFF_PRODUCT[check][int(turned)])
    return check == 0


def weighted(digits: str, weights: tuple[int, ...], divisor: int) -> bool:
    """The digits times their weights add up to a multiple of the divisor."""
    return sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % divisor == 0


def is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
