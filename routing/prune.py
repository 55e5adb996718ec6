"""Remove what a file once made and names no more."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.db.models import ProtectedError

from providers.models import Credential, Deployment, Provider
from providers.problems import Problem
from routing.document import Document
from routing.models import Rule
from routing.upsert import Ledger
from usage.models import ClientKey, Quota, RedactionPattern, Team


def prune(document: Document, ledger: Ledger) -> None:
    """What refers to others goes before them. What is still needed becomes a problem."""
    for noun, row in _superfluous(document):
        try:
            row.delete()
        except ProtectedError as error:
            ledger.problems.append(Problem("", f"{noun} cannot be removed: {error.args[0]}"))
        else:
            ledger.pruned.append(noun)


def _superfluous(document: Document) -> Iterator[tuple[str, models.Model]]:
    quotas = {
        (quota.client_key, quota.team, quota.metric, quota.window) for _, quota in document.quotas
    }
    for row in Quota.objects.filter(from_file=True).select_related("client_key", "team"):
        key, team = row.client_key and row.client_key.name, row.team and row.team.name
        if (key, team, row.metric, row.window) not in quotas:
            yield f"quota of {row.subject}", row
    rules = [rule.name for _, rule in document.rules]
    for rule in Rule.objects.filter(from_file=True).exclude(name__in=rules):
        yield f"rule {rule.name}", rule
    keys = [key.name for _, key in document.client_keys]
    for client_key in ClientKey.objects.filter(from_file=True).exclude(name__in=keys):
        yield f"client key {client_key.name}", client_key
    yield from _providers(document)
    teams = [team.name for _, team in document.teams]
    for named in Team.objects.filter(from_file=True).exclude(name__in=teams):
        yield f"team {named.name}", named
    patterns = [pattern.name for _, pattern in document.redaction_patterns]
    for pattern in RedactionPattern.objects.filter(from_file=True).exclude(name__in=patterns):
        yield f"redaction pattern {pattern.name}", pattern


def _providers(document: Document) -> Iterator[tuple[str, models.Model]]:
    """Providers, and single credentials and deployments of those that the file still names."""
    for _, entry in document.providers:
        labels = [credential.label for credential in entry.credentials]
        made = Credential.objects.filter(from_file=True, provider__name=entry.name)
        for credential in made.exclude(label__in=labels):
            yield f"credential {credential.label} of provider {entry.name}", credential
        deployed = [deployment.model for deployment in entry.deployments]
        served = Deployment.objects.filter(from_file=True, provider__name=entry.name)
        for deployment in served.exclude(model__in=deployed):
            yield f"deployment {deployment.model} of provider {entry.name}", deployment
    names = [entry.name for _, entry in document.providers]
    for provider in Provider.objects.filter(from_file=True).exclude(name__in=names):
        yield f"provider {provider.name}", provider
