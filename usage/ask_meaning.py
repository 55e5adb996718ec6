"""One question to search by meaning: the embedding model is asked, the books hear of it, hits come back."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection

from usage.apps import UsageConfig
from usage.ledger import Ledger
from usage.record import Record
from usage.store import open_store, own_connection
from usage.transcripts.meaning import FoundByMeaning, MeaningUnavailable, check, search_by_meaning
from usage.transcripts.search import Filters

LONGEST = 2000
"""Letters of a question."""


log = logging.getLogger("patchbay.transcripts")


class NothingFound(Exception):
    """No search came about; the text is a sentence that says why."""


def ask(text: str, filters: Filters, limit: int) -> FoundByMeaning:
    """The transcripts that are nearest to what was typed. Raises NothingFound."""
    if settings.TRANSCRIPT_ENCRYPTION:
        raise NothingFound("What is said is encrypted, and vectors would tell it.")
    if not text:
        raise NothingFound("Type what you look for: filters alone have no meaning.")
    try:
        check()
    except MeaningUnavailable as missing:
        raise NothingFound(str(missing)) from None
    answer = cast(UsageConfig, apps.get_app_config("patchbay_usage")).embed([text[:LONGEST]])
    if answer.record is not None:
        try:
            _enter(answer.record)
        except (DatabaseError, _driver().Error) as error:
            log.error(
                "a call to the embedding model is not in the books (%s)", type(error).__name__
            )
            raise NothingFound("The database takes no record of it now. Try again.") from None
    if answer.problem:
        raise NothingFound(answer.problem)
    try:
        return search_by_meaning(answer.vectors[0], settings.EMBEDDING_MODEL, filters, limit)
    except MeaningUnavailable as unfit:
        raise NothingFound(str(unfit)) from None


def _driver() -> Any:
    """The store's errors are the driver's own, not Django's."""
    backend: Any = connection
    return backend.Database


def _enter(record: Record) -> None:
    """On a connection of the books' own, which knows how."""
    store = open_store(own_connection())
    try:
        Ledger(store).enter([record], [])
    finally:
        store.close()
