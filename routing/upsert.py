"""Bring working rows to what a document's entries say: create, change, or leave alone. By name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from providers.models import Credential, Deployment, ModelPrice, Provider
from providers.problems import Problem
from providers.secrets import binding
from routing.document import Document
from routing.entries import (
    ClientKeyEntry,
    CredentialEntry,
    DeploymentEntry,
    PriceEntry,
    ProviderEntry,
    QuotaEntry,
    RedactionPatternEntry,
    RuleEntry,
    TargetEntry,
    TeamEntry,
)
from routing.file_secrets import credential_secret
from routing.models import Rule, Target
from routing.rows import target_entry, target_order
from usage.issue import KeyRefused, issue_key, opens, revoke, rotate
from usage.models import ClientKey, Quota, RedactionPattern, Team
from usage.signals import objections


@dataclass(slots=True)
class Ledger:
    """What was done. `issued` are (name, key) of generated keys: nobody can read them again."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    issued: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def note(self, noun: str, created: bool, changed: bool) -> None:
        if created:
            self.created.append(noun)
        elif changed:
            self.changed.append(noun)


@dataclass(slots=True)
class Upsert:
    """`keys` are the resolved secrets of client keys by name; `from_file` marks what is created."""

    ledger: Ledger
    keys: Mapping[str, str]
    from_file: bool

    def all(self, document: Document) -> None:
        """In the order in which entries refer to each other."""
        for _, pattern in document.redaction_patterns:
            self.redaction_pattern(pattern)
        for _, team in document.teams:
            self.team(team)
        for path, key in document.client_keys:
            self.client_key(path, key)
        if self.ledger.problems:
            return
        for _, provider in document.providers:
            self.provider(provider)
        for _, rule in document.rules:
            self.rule(rule)
        for _, quota in document.quotas:
            self.quota(quota)

    def redaction_pattern(self, entry: RedactionPatternEntry) -> None:
        row = RedactionPattern.objects.filter(name=entry.name).first()
        created = row is None
        row = row or RedactionPattern(name=entry.name, from_file=self.from_file)
        saved = _save(row, pattern=entry.pattern, note=entry.note)
        self.ledger.note(f"redaction pattern {entry.name}", created, saved)

    def team(self, entry: TeamEntry) -> None:
        row = Team.objects.filter(name=entry.name).first()
        created = row is None
        row = row or Team(name=entry.name, from_file=self.from_file)
        saved = _save(row, description=entry.description, **_transcripts(entry))
        self.ledger.note(f"team {entry.name}", created, saved)

    def client_key(self, path: str, entry: ClientKeyEntry) -> None:
        row = ClientKey.objects.filter(name=entry.name).first()
        try:
            if row is None:
                self._issue(entry)
            else:
                changed = self._change_key(row, entry)
                self.ledger.note(f"client key {entry.name}", False, changed)
        except KeyRefused as error:
            self.ledger.problems.append(Problem(f"{path}.{error.field}", str(error)))

    def _issue(self, entry: ClientKeyEntry) -> None:
        secret = self.keys.get(entry.name)
        row, key = issue_key(
            entry.name,
            team=_team(entry.team),
            owner=_user(entry.owner),
            models=entry.models,
            strict=entry.strict,
            **_transcripts(entry),
            expires_at=entry.expires_at,
            secret=secret,
            from_file=self.from_file,
        )
        self.ledger.note(f"client key {entry.name}", True, True)
        if entry.revoked:
            revoke(row)
        elif secret is None:
            self.ledger.issued.append((entry.name, key))

    def _change_key(self, row: ClientKey, entry: ClientKeyEntry) -> bool:
        """A revoked key is not revived by a file that does not mention it; another secret does."""
        changed = _save(
            row,
            team=_team(entry.team),
            owner=_user(entry.owner),
            models_allowed=entry.models,
            strict=entry.strict,
            **_transcripts(entry),
            expires_at=entry.expires_at,
        )
        secret = self.keys.get(entry.name)
        if secret is not None and not opens(row, secret):
            rotate(row, secret)
            changed = True
        if entry.revoked and row.revoked_at is None:
            revoke(row)
            changed = True
        return changed

    def provider(self, entry: ProviderEntry) -> None:
        row = Provider.objects.filter(name=entry.name).first()
        created = row is None
        row = row or Provider(name=entry.name, from_file=self.from_file)
        changed = [
            _save(
                row,
                adapter=entry.adapter,
                base_url=entry.base_url,
                allow_private_network=entry.allow_private_network,
                enabled=entry.enabled,
            ),
            *[self._credential(row, credential) for credential in entry.credentials],
            *[self._deployment(row, deployment) for deployment in entry.deployments],
        ]
        self.ledger.note(f"provider {entry.name}", created, any(changed))

    def _credential(self, provider: Provider, entry: CredentialEntry) -> bool:
        row = provider.credentials.filter(label=entry.label).first()
        row = row or Credential(provider=provider, label=entry.label, from_file=self.from_file)
        bound_to = binding(provider.name, entry.label)
        kept = credential_secret(entry.secret, row.secret, row.last4, bound_to)
        return _save(row, secret=kept.stored, last4=kept.last4, enabled=entry.enabled)

    def _deployment(self, provider: Provider, entry: DeploymentEntry) -> bool:
        row = provider.deployments.filter(model=entry.model).first()
        row = row or Deployment(provider=provider, model=entry.model, from_file=self.from_file)
        saved = _save(row, enabled=entry.enabled)
        return _set_price(row, entry.price) or saved

    def rule(self, entry: RuleEntry) -> None:
        row = Rule.objects.filter(name=entry.name).first()
        created = row is None
        row = row or Rule(name=entry.name, from_file=self.from_file)
        changed = [
            _save(
                row,
                priority=entry.priority,
                enabled=entry.enabled,
                strict=entry.strict,
                **_transcripts(entry),
                match_model=entry.match.model,
                match_headers=entry.match.headers,
            ),
            _set_names(row.match_teams, Team, entry.match.teams),
            _set_names(row.match_keys, ClientKey, entry.match.client_keys),
            _set_targets(row, entry.targets),
        ]
        self.ledger.note(f"rule {entry.name}", created, any(changed))

    def quota(self, entry: QuotaEntry) -> None:
        key = ClientKey.objects.get(name=entry.client_key) if entry.client_key else None
        subject: dict[str, Any] = {
            "client_key": key,
            "team": _team(entry.team),
            "metric": entry.metric,
            "window": entry.window,
        }
        row = Quota.objects.filter(**subject).first()
        created = row is None
        if created:
            self.ledger.problems += [Problem("quotas", text) for text in objections()]
        row = row or Quota(**subject, from_file=self.from_file)
        self.ledger.note(f"quota of {row.subject}", created, _save(row, amount=entry.amount))


def _save(row: models.Model, **fields: Any) -> bool:
    """Save a row that is new or differs; a row that does not is not touched."""
    differs = row._state.adding
    for name, value in fields.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            differs = True
    if differs:
        row.save()
    return differs


def _transcripts(entry: RuleEntry | TeamEntry | ClientKeyEntry) -> dict[str, Any]:
    return {
        "transcripts": entry.transcripts or "",
        "transcript_share": entry.transcript_share,
        "redaction": entry.redaction,
    }


def _set_price(deployment: Deployment, entry: PriceEntry | None) -> bool:
    """No entry is no price of its own."""
    row = ModelPrice.objects.filter(deployment=deployment).first()
    if entry is not None:
        return _save(row or ModelPrice(deployment=deployment), **entry.model_dump())
    if row is None:
        return False
    row.delete()
    return True


def _set_names(relation: Any, kind: type[Team] | type[ClientKey], names: list[str]) -> bool:
    if set(relation.values_list("name", flat=True)) == set(names):
        return False
    relation.set(kind._default_manager.filter(name__in=names))
    return True


def _set_targets(rule: Rule, entries: list[TargetEntry]) -> bool:
    wanted = sorted((entry.model_dump() for entry in entries), key=target_order)
    rows = rule.targets.select_related("deployment__provider")
    if sorted((target_entry(row) for row in rows), key=target_order) == wanted:
        return False
    rule.targets.all().delete()
    for entry in entries:
        _target(rule, entry).save()
    return True


def _target(rule: Rule, entry: TargetEntry) -> Target:
    """A name that only the any-model Deployment covers is the model to ask it for."""
    deployments = Deployment.objects.filter(provider__name=entry.provider)
    named = deployments.filter(model=entry.model).first()
    return Target(
        rule=rule,
        deployment=named or deployments.get(model="*"),
        upstream_model="" if named else entry.model,
        tier=entry.tier,
        weight=entry.weight,
    )


def _team(name: str | None) -> Team | None:
    return None if name is None else Team.objects.get(name=name)


def _user(name: str | None) -> Any:
    users = get_user_model()
    return None if name is None else users._default_manager.get_by_natural_key(name)
