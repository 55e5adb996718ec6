"""The configuration of the first minute: a demo, and the vendors whose keys are in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from providers.models import Provider
from routing.apply import Applied, apply
from routing.models import ConfigVersion, Rule
from usage.models import ClientKey

FIRST_KEY = "first-key"


class Models(NamedTuple):
    """A main and a small model to show in examples."""

    main: str
    small: str


class Start(NamedTuple):
    """A provider to begin with, and the model names that rules send to it, by rule name."""

    provider: dict[str, Any]
    patterns: Mapping[str, str]
    models: Models
    priority: int = 100


DEMO = Start(
    {
        "name": "demo",
        "adapter": "demo",
        "deployments": [
            {"model": "demo-model", "price": {"input_per_mtok": "1", "output_per_mtok": "2"}},
            {"model": "demo-small", "price": {"input_per_mtok": "0.1", "output_per_mtok": "0.2"}},
        ],
    },
    {"demo-model": "demo-model", "demo-small": "demo-small"},
    Models("demo-model", "demo-small"),
)


def _vendor(name: str, adapter: str, variable: str, base_url: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "adapter": adapter,
        "base_url": base_url,
        "credentials": [{"label": "main", "secret": f"env:{variable}"}],
        "deployments": [{"model": "*"}],
    }


# The last four speak a format of their own as well; here they are reached through OpenAI's.
VENDORS: Mapping[str, Start] = {
    "OPENAI_API_KEY": Start(
        _vendor("openai", "openai", "OPENAI_API_KEY"),
        {
            "openai-gpt": "gpt-*",
            "openai-chatgpt": "chatgpt-*",
            "openai-o1": "o1*",
            "openai-o3": "o3*",
            "openai-o4": "o4*",
        },
        Models("gpt-4o", "gpt-4o-mini"),
    ),
    "ANTHROPIC_API_KEY": Start(
        _vendor("anthropic", "anthropic", "ANTHROPIC_API_KEY"),
        {"anthropic-claude": "claude-*"},
        Models("claude-sonnet-4-5", "claude-haiku-4-5"),
    ),
    "GEMINI_API_KEY": Start(
        _vendor(
            "gemini",
            "openai_compatible",
            "GEMINI_API_KEY",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        {"gemini": "gemini-*", "gemini-gemma": "gemma-*"},
        Models("gemini-2.5-pro", "gemini-2.5-flash"),
    ),
    "MISTRAL_API_KEY": Start(
        _vendor("mistral", "openai_compatible", "MISTRAL_API_KEY", "https://api.mistral.ai/v1"),
        {
            "mistral": "mistral-*",
            "mistral-open": "open-mi?tral-*",
            "mistral-ministral": "ministral-*",
            "mistral-magistral": "magistral-*",
            "mistral-codestral": "codestral-*",
            "mistral-devstral": "devstral-*",
            "mistral-pixtral": "pixtral-*",
        },
        Models("mistral-large-latest", "mistral-small-latest"),
    ),
    "GROQ_API_KEY": Start(
        _vendor("groq", "openai_compatible", "GROQ_API_KEY", "https://api.groq.com/openai/v1"),
        {"groq-llama": "llama-*", "groq-own": "groq/*", "groq-gpt-oss": "openai/gpt-oss-*"},
        Models("llama-3.3-70b-versatile", "llama-3.1-8b-instant"),
    ),
    # A vendor's name and a slash is how OpenRouter names every model, so it comes after the others.
    "OPENROUTER_API_KEY": Start(
        _vendor(
            "openrouter", "openai_compatible", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1"
        ),
        {"openrouter": "*/*"},
        Models("openai/gpt-4o", "openai/gpt-4o-mini"),
        priority=200,
    ),
}


def bootstrap(environment: Mapping[str, str], demo: bool) -> Applied:
    """Make what a first run needs and is not there. Nothing that exists is changed.

    The demo and the first key come only where nothing was ever configured: who has removed them
    does not want them back.
    """
    fresh = not ConfigVersion.objects.exists()
    starts = [start for variable, start in VENDORS.items() if environment.get(variable, "").strip()]
    if demo and fresh:
        starts.insert(0, DEMO)
    document = _document(starts)
    if fresh and not ClientKey.objects.exists():
        document["client_keys"] = [{"name": FIRST_KEY}]
    return apply(document, from_file=False, note="First run" if fresh else "New vendor keys")


def example_models() -> Models | None:
    """Models that the working rules lead to, for examples; None if a first run has made none."""
    names = set(Provider.objects.values_list("name", flat=True))
    for start in (DEMO, *VENDORS.values()):
        if start.provider["name"] in names:
            return start.models
    return None


def _document(starts: list[Start]) -> dict[str, Any]:
    """Providers that are not there yet, with their rules, where nobody uses the rule's name."""
    providers = set(Provider.objects.values_list("name", flat=True))
    rules = set(Rule.objects.values_list("name", flat=True))
    new = [start for start in starts if start.provider["name"] not in providers]
    return {
        "providers": [start.provider for start in new],
        "rules": [
            {
                "name": name,
                "priority": start.priority,
                "match": {"model": pattern},
                "targets": [{"provider": start.provider["name"], "model": _target(start, pattern)}],
            }
            for start in new
            for name, pattern in start.patterns.items()
            if name not in rules
        ],
    }


def _target(start: Start, pattern: str) -> str:
    """The demo has named models alone; of the vendors any model may be asked for."""
    return pattern if start is DEMO else "*"
