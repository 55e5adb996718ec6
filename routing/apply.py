"""Apply a configuration file to the working rows and publish, in one transaction, all or nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from providers.models import Credential, Deployment, Provider
from providers.problems import DocumentInvalid, Problem
from providers.secrets import binding
from routing.document import Document, read
from routing.file_secrets import client_keys, credential_problems
from routing.prune import prune as prune_rows
from routing.publish import hold_publishing, publish
from routing.references import Known, check
from routing.upsert import Ledger, Upsert
from usage.models import ClientKey, RedactionPattern, Team

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Applied(NamedTuple):
    """What an application did, in words. `version` is the published number, None if none was needed.

    `issued` are (name, key) of generated client keys: they can be read here and nowhere else.
    """

    created: list[str]
    changed: list[str]
    pruned: list[str]
    issued: list[tuple[str, str]]
    version: int | None


def apply(
    document: dict[str, Any],
    prune: bool = False,
    author: User | None = None,
    from_file: bool = True,
    note: str = "",
) -> Applied:
    """Upsert by name; what the document does not name stays, unless `prune` and a file made it.

    `from_file` marks what is created as made by a file. Raises DocumentInvalid with every mistake,
    and then nothing has changed.
    """
    ledger = Ledger()
    with transaction.atomic():
        hold_publishing()
        entries, problems = read(document)
        problems += check(entries, _known(entries))
        problems += credential_problems(entries, _stored_secrets())
        problems += _demos(entries)
        keys, unresolved = client_keys(entries)
        _stop(problems + unresolved)
        Upsert(ledger, keys, from_file).all(entries)
        if prune and not ledger.problems:
            prune_rows(entries, ledger)
        _stop(ledger.problems)
        version = publish(author, note or "Applied a configuration file")
    return Applied(
        ledger.created,
        ledger.changed,
        ledger.pruned,
        ledger.issued,
        None if version is None else version.number,
    )


def _stop(problems: list[Problem]) -> None:
    if problems:
        raise DocumentInvalid(problems)


def _demos(document: Document) -> list[Problem]:
    """Where the demo cannot run, none is made. One that is there already stays."""
    if not settings.PRODUCTION:
        return []
    there = set(Provider.objects.filter(adapter="demo").values_list("name", flat=True))
    return [
        Problem(f"{path}.adapter", "There is no demo in production; name a real provider.")
        for path, entry in document.providers
        if entry.adapter == "demo" and entry.name not in there
    ]


def _known(document: Document) -> Known:
    """What the working rows have, so that a file may refer to it."""
    models: dict[str, set[str]] = defaultdict(set)
    for name in Provider.objects.values_list("name", flat=True):
        models[name] = set()
    for name, model in Deployment.objects.values_list("provider__name", "model"):
        models[name].add(model)
    owners = [key.owner for _, key in document.client_keys if key.owner is not None]
    users = get_user_model()
    return Known(
        providers={name: frozenset(deployed) for name, deployed in models.items()},
        patterns=frozenset(RedactionPattern.objects.values_list("name", flat=True)),
        teams=frozenset(Team.objects.values_list("name", flat=True)),
        client_keys=frozenset(ClientKey.objects.values_list("name", flat=True)),
        owners=frozenset(
            users._default_manager.filter(**{f"{users.USERNAME_FIELD}__in": owners}).values_list(
                users.USERNAME_FIELD, flat=True
            )
        ),
    )


def _stored_secrets() -> dict[str, str]:
    """Of every Credential, by its binding."""
    rows = Credential.objects.values_list("provider__name", "label", "secret")
    return {binding(provider, label): secret for provider, label, secret in rows}
