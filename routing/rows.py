"""Working rows as a configuration document: canonical, so that the same rows give the same document.

Members that have their default value are left out. Secrets stay as they are stored.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Prefetch

from providers.models import Credential, Deployment, ModelPrice, Provider
from routing.models import Rule, Target
from usage.models import ClientKey, Quota, RedactionPattern, Team
from usage.transcript_fields import TranscriptFields

Member = dict[str, Any]
PRICES = (
    "input_per_mtok",
    "output_per_mtok",
    "cached_input_per_mtok",
    "cache_write_5m_per_mtok",
    "cache_write_1h_per_mtok",
)


def published_part() -> Member:
    """Providers, redaction patterns if there are any, and rules: what is published."""
    patterns = redaction_patterns()
    return {
        "providers": providers(),
        **({"redaction_patterns": patterns} if patterns else {}),
        "rules": rules(),
    }


def live_part() -> Member:
    """Teams, client keys and quotas: live data, in the file's shape. Keys come without a secret."""
    keys = ClientKey.objects.select_related("team", "owner").order_by("name")
    quotas = Quota.objects.select_related("client_key", "team")
    return {
        "teams": [team_entry(team) for team in Team.objects.order_by("name")],
        "client_keys": [client_key_entry(key) for key in keys.iterator(2000)],
        "quotas": sorted((quota_entry(quota) for quota in quotas), key=_quota_order),
    }


def providers() -> list[Member]:
    rows = Provider.objects.order_by("name").prefetch_related(
        Prefetch("credentials", Credential.objects.order_by("label")),
        Prefetch("deployments", Deployment.objects.order_by("model").select_related("price")),
    )
    return [provider_entry(row) for row in rows]


def redaction_patterns() -> list[Member]:
    return [
        _lean(name=row.name, pattern=row.pattern, note=row.note)
        for row in RedactionPattern.objects.order_by("name")
    ]


def rules() -> list[Member]:
    rows = Rule.objects.order_by("priority", "name").prefetch_related(
        "match_teams",
        "match_keys",
        Prefetch("targets", Target.objects.select_related("deployment__provider")),
    )
    return [rule_entry(row) for row in rows]


def provider_entry(row: Provider) -> Member:
    return _lean(
        name=row.name,
        adapter=row.adapter,
        base_url=row.base_url,
        allow_private_network=row.allow_private_network,
        enabled=row.enabled,
        credentials=[credential_entry(credential) for credential in row.credentials.all()],
        deployments=[deployment_entry(deployment) for deployment in row.deployments.all()],
    )


def credential_entry(row: Credential) -> Member:
    return _lean(label=row.label, secret=row.secret, enabled=row.enabled)


def deployment_entry(row: Deployment) -> Member:
    price: ModelPrice | None = getattr(row, "price", None)
    return _lean(model=row.model, price=price and price_entry(price), enabled=row.enabled)


def price_entry(row: ModelPrice) -> Member:
    return {name: text(value) for name in PRICES if (value := getattr(row, name)) is not None}


def rule_entry(row: Rule) -> Member:
    match = _lean(
        model=row.match_model,
        headers=dict(sorted(row.match_headers.items())),
        teams=sorted(team.name for team in row.match_teams.all()),
        client_keys=sorted(key.name for key in row.match_keys.all()),
    )
    targets = [target_entry(target) for target in row.targets.all()]
    targets.sort(key=target_order)
    entry = _lean(
        enabled=row.enabled, strict=row.strict, **transcripts(row), match=match, targets=targets
    )
    return {"name": row.name, "priority": row.priority, **entry}


def target_entry(row: Target) -> Member:
    return {
        "provider": row.deployment.provider.name,
        "model": row.upstream_model or row.deployment.model,
        "tier": row.tier,
        "weight": row.weight,
    }


def target_order(target: Member) -> tuple[int, str, str, int]:
    """Within a tier the order of Targets means nothing, so it must not make a difference."""
    return target["tier"], target["provider"], target["model"], target["weight"]


def team_entry(row: Team) -> Member:
    return _lean(name=row.name, description=row.description, **transcripts(row))


def client_key_entry(row: ClientKey) -> Member:
    return _lean(
        name=row.name,
        team=row.team and row.team.name,
        owner=row.owner and row.owner.get_username(),
        models=row.models_allowed,
        strict=row.strict,
        **transcripts(row),
        expires_at=row.expires_at and row.expires_at.isoformat(),
        revoked=row.revoked_at is not None,
    )


def quota_entry(row: Quota) -> Member:
    return _lean(
        client_key=row.client_key and row.client_key.name,
        team=row.team and row.team.name,
        metric=row.metric,
        window=row.window,
        amount=text(row.amount),
    )


def transcripts(row: TranscriptFields) -> Member:
    """What a rule, a team or a key says of its transcripts."""
    share = row.transcript_share
    return {
        "transcripts": row.transcripts,
        "transcript_share": None if share is None else text(share),
        "redaction": row.redaction,
    }


def text(amount: Decimal) -> str:
    """A decimal as people write it: no exponent, no zeros that say nothing."""
    return f"{amount.normalize():f}"


def _quota_order(quota: Member) -> tuple[str, str, str, str]:
    return quota.get("client_key", ""), quota.get("team", ""), quota["metric"], quota["window"]


def _lean(**members: Any) -> Member:
    """Without members that have their default: empty, `enabled: true` or `false` elsewhere."""
    return {
        name: value
        for name, value in members.items()
        if (value is False if name == "enabled" else bool(value))
    }
