"""Loads what changed in the database for the hot path: configuration, keys, quotas. Cold; one thread."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from django.db import DatabaseError, connection

from providers.problems import DocumentInvalid
from providers.secrets import open_secret
from routing.compile import compile_document
from routing.models import ConfigVersion
from routing.snapshot import Snapshot
from usage.keyring import Changes, all_ids, load
from usage.quota import Limit
from usage.seed import spent

log = logging.getLogger("patchbay.refresh")


class Update(NamedTuple):
    """What is new. `ids` are all keys that exist, where rows were deleted; `seeds` are (limit, spent)."""

    snapshot: Snapshot | None
    changes: Changes | None
    ids: frozenset[int] | None
    seeds: tuple[tuple[Limit, int], ...]


class Refresher:
    """Remembers what was loaded, and loads what came since. Not safe for two threads at once.

    `error` is the last thing that went wrong, "" after a refresh that went well;
    `refreshed_at` is when the database was last read, in Unix seconds, 0 if never.
    """

    def __init__(self, keep: Path) -> None:
        self._keep = keep
        self._config = -1
        self._change = -1
        self._ids: frozenset[int] = frozenset()
        self._known: frozenset[Hashable] = frozenset()
        self.refused = 0
        self.error = ""
        self.refreshed_at = 0.0

    def poll(self) -> Update | None:
        """What changed since the last call; None if nothing did or the database is away."""
        try:
            update = self._read()
        except DatabaseError as error:
            connection.close()
            if not self.error:
                log.warning("the configuration cannot be read: %s", error)
            self.error = str(error) or type(error).__name__
            return None
        self.error = ""
        self.refreshed_at = time.time()
        return update

    def last_kept(self) -> Snapshot | None:
        """The newest configuration that was kept on disk, for a start without a database."""
        try:
            kept = msgspec.json.decode(self._keep.read_bytes())
            return self._compile(kept["number"], kept["document"])
        except (OSError, msgspec.DecodeError, KeyError, TypeError):
            return None

    def _read(self) -> Update | None:
        """What counts as loaded changes only at the end, when all of it could be read."""
        published = self._newer()
        changes = load(self._change)
        ids = None
        seeds: tuple[tuple[Limit, int], ...] = ()
        if changes is not None:
            held = self._ids.union(caller.id for _, caller in changes.callers)
            if len(held) > changes.total:
                held = ids = all_ids()
            now = time.time()
            fresh = [limit for limit in changes.limits if limit.counts not in self._known]
            seeds = tuple((limit, spent(limit, now)) for limit in fresh)
            self._known = frozenset(limit.counts for limit in changes.limits)
            self._ids, self._change = held, changes.number
        snapshot = None if published is None else self._accept(*published)
        if snapshot is None and changes is None:
            return None
        return Update(snapshot, changes, ids, seeds)

    def _newer(self) -> tuple[int, dict[str, Any]] | None:
        """(number, document) of the newest configuration, None if it is the one that was loaded."""
        newest = ConfigVersion.objects.order_by("-number").values_list("number", flat=True).first()
        if newest is None or newest == self._config:
            return None
        return newest, ConfigVersion.objects.values_list("document", flat=True).get(number=newest)

    def _accept(self, number: int, document: dict[str, Any]) -> Snapshot | None:
        """Compile it and keep it on disk. One that does not compile is not tried again."""
        self._config = number
        snapshot = self._compile(number, document)
        if snapshot is not None:
            self._keep_on_disk(number, document)
        return snapshot

    def _compile(self, number: int, document: dict[str, Any]) -> Snapshot | None:
        """A document that does not compile is counted and reported; the old one keeps serving."""
        try:
            snapshot = replace(compile_document(document, open_secret), number=number)
        except DocumentInvalid as error:
            self.refused += 1
            log.error("configuration version %s does not compile: %s", number, error)
            return None
        except Exception:  # a mistake of ours must not keep revoked keys alive
            self.refused += 1
            log.exception("configuration version %s cannot be compiled", number)
            return None
        for problem in snapshot.problems:
            log.warning("configuration version %s: %s", number, problem)
        return snapshot

    def _keep_on_disk(self, number: int, document: dict[str, Any]) -> None:
        """For a start without a database. Secrets in it are still encrypted."""
        temporary = self._keep.with_name(f"{self._keep.name}.{os.getpid()}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode({"number": number, "document": document}))
            temporary.replace(self._keep)
        except OSError as error:
            log.warning("the configuration could not be kept on disk: %s", error)
