"""The bounds of the hot path, in seconds and bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    body_idle: float = 10.0
    body_total: float = 60.0
    connect: float = 5.0
    first_content: float = 60.0
    idle: float = 60.0
    total: float = 600.0
    client_stall: float = 30.0
    answer_bytes: int = 64 * 2**20
    in_flight: int = 2000


class BodyBudget:
    """Bytes of request bodies that a worker holds, bounded in all and for each request."""

    def __init__(self, most: int, largest: int) -> None:
        self.most = most
        self.largest = largest
        self.held = 0
