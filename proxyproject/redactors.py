"""Makes a Redactor for what a policy hides, with the model of names and places that was chosen."""

from __future__ import annotations

import logging
from functools import cached_property

from proxyproject.once import is_first
from usage.transcripts.people import PeopleUnavailable, load_people
from usage.transcripts.policy import Patterns, hidden
from usage.transcripts.redact import People, Redactor
from usage.transcripts.secrets import SecretFilter

log = logging.getLogger("patchbay.transcripts")


class Redactors:
    """One process's. The model is loaded once, when the first policy wants it."""

    def __init__(self, secrets: SecretFilter, model: str) -> None:
        self._secrets = secrets
        self._model = model

    def __call__(self, redaction: frozenset[str], patterns: Patterns) -> Redactor:
        kinds, own = hidden(redaction, patterns)
        people = self._people if "PEOPLE" in kinds else None
        return Redactor(
            kinds=kinds - {"PEOPLE"}, patterns=own, secrets=self._secrets, people=people
        )

    @cached_property
    def _people(self) -> People | None:
        """An extra; where it is missing, the log says so, once for all workers of a start."""
        try:
            return load_people(self._model)
        except PeopleUnavailable as missing:
            if is_first("names"):
                log.warning("names and places are not hidden in transcripts: %s", missing)
            return None
