"""The books: journal, writer, replay, rollups, reports."""

from __future__ import annotations
