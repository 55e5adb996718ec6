"""Configuration files to begin a test with."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Document = dict[str, Any]

WHOLE: Document = {
    "providers": [
        {
            "name": "openai",
            "adapter": "openai",
            "credentials": [
                {"label": "main", "secret": "env:OPENAI_API_KEY"},
                {"label": "spare", "secret": "sk-a-literal-secret-4711"},
            ],
            "deployments": [
                {
                    "model": "gpt-4o-mini",
                    "price": {"input_per_mtok": "0.15", "output_per_mtok": "0.60"},
                },
                {"model": "*"},
            ],
        },
        {
            "name": "ours",
            "adapter": "openai_compatible",
            "base_url": "http://127.0.0.1:11434/v1",
            "allow_private_network": True,
            "deployments": [{"model": "llama"}],
        },
    ],
    "teams": [
        {"name": "research", "description": "Those upstairs", "redaction": "EMAIL,PHONE"},
    ],
    "rules": [
        {
            "name": "default",
            "priority": 100,
            "transcripts": "full",
            "transcript_share": "12.5",
            "redaction": "none",
            "match": {
                "model": "gpt-*",
                "headers": {"X-Tier": "gold"},
                "teams": ["research"],
                "client_keys": ["ci"],
            },
            "targets": [
                {"provider": "openai", "model": "*", "tier": 1, "weight": 100},
                {"provider": "openai", "model": "gpt-4o-mini", "tier": 2},
                {"provider": "openai", "model": "gpt-of-tomorrow", "tier": 2, "weight": 3},
                {"provider": "ours", "model": "llama", "tier": 3},
            ],
        },
        {"name": "off", "enabled": False, "targets": [{"provider": "openai"}]},
    ],
    "client_keys": [
        {
            "name": "ci",
            "team": "research",
            "models": ["gpt-*"],
            "transcripts": "off",
            "transcript_share": 0,
            "expires_at": "2027-01-31",
        },
    ],
    "quotas": [
        {"client_key": "ci", "metric": "cost", "window": "month", "amount": "25.00"},
        {"team": "research", "metric": "requests", "window": "minute", "amount": 60},
        {"metric": "cost", "window": "day", "amount": 100},
    ],
}


def whole() -> Document:
    """A file with one of everything."""
    return deepcopy(WHOLE)


def provider(name: str = "openai", **members: Any) -> Document:
    """A provider that any model may be asked of."""
    return {"name": name, "adapter": "openai", "deployments": [{"model": "*"}], **members}


def rule(name: str, *targets: Document, **members: Any) -> Document:
    """A rule that takes anything; without targets it goes to openai."""
    return {"name": name, "targets": list(targets) or [{"provider": "openai"}], **members}


def rules(*entries: Document, providers: list[Document] | None = None) -> Document:
    return {"providers": [provider()] if providers is None else providers, "rules": list(entries)}
