"""Carry opaque state through a format that has no place of its own for it.

The state of one issuer travels as `pb1.<issuer>.<kind>.<base64url>` wherever the client's format
keeps such things, and comes back with the history. What does not parse was never ours.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from providers.wire.model import ProviderDetails

PREFIX = "pb1"


def pack(details: ProviderDetails) -> str:
    data = urlsafe_b64encode(details.data.encode()).decode()
    return ".".join((PREFIX, details.vendor, details.kind, data))


def unpack(text: str) -> ProviderDetails | None:
    """The state in `text`, or None if `pack` did not write it."""
    fields = text.split(".")
    if len(fields) != 4 or fields[0] != PREFIX:
        return None
    _, vendor, kind, data = fields
    try:
        return ProviderDetails(vendor, kind, urlsafe_b64decode(data).decode())
    except ValueError:  # not base64, or not text in it
        return None
