"""How numbers are written for people: money, counts, shares, durations. Pure."""

from __future__ import annotations

NANO = 1_000_000_000
EXACT_UP_TO = 9_999
SMALLEST_SHOWN = 0.0001


def money(nano: int | None) -> str:
    """Nano-dollars as dollars; an unknown cost is `no price`, never zero."""
    if nano is None:
        return "no price"
    if nano == 0:
        return "$0"
    dollars = nano / NANO
    if dollars >= 1:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}" if dollars >= SMALLEST_SHOWN else "<$0.0001"


def short_money(nano: int) -> str:
    """For cards: whole dollars once the cents no longer matter."""
    return f"${nano / NANO:,.0f}" if nano >= 1000 * NANO else money(nano)


def exact_money(nano: int | None) -> str:
    """Every digit that is known."""
    if nano is None:
        return "no price"
    return f"${nano // NANO:,}.{nano % NANO:09d}"


def count(number: int) -> str:
    """Exact to 9,999, then three digits and a unit; a B could be taken for bytes."""
    if number <= EXACT_UP_TO:
        return f"{number:,}"
    for size, unit in ((10**12, "tn"), (10**9, "bn"), (10**6, "M"), (10**3, "K")):
        if number >= size * 0.9995 or unit == "K":
            value = number / size
            digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
            return f"{value:.{digits}f} {unit}"
    raise AssertionError  # the last unit always matches


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent; two digits below one per cent, so that little is not nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if percent == 0 or percent >= 1:
        return f"{percent:.0f} %"
    return f"{percent:.2f} %" if percent >= 0.01 else "<0.01 %"


def duration(ms: float | None) -> str:
    """Milliseconds below a second, then seconds, minutes, hours."""
    if ms is None:
        return "–"
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def change(now: float, before: float) -> str:
    """How much more or less than before, in per cent; empty where there was nothing before."""
    if not before:
        return ""
    percent = 100 * (now - before) / before
    if abs(percent) < 0.05:
        return "no change"
    sign = "+" if percent > 0 else "−"
    size = abs(percent)
    return f"{sign}{size:,.0f} %" if size >= 10 else f"{sign}{size:.1f} %"
