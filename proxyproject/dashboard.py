"""The home page: what the gateway does, what it costs, what needs a look; or how to begin."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from providers.panels import real_providers
from proxyproject.attention import MOST_SHOWN, notices, sees_everything
from proxyproject.first_run import directory, snippets
from routing.examples import models_for
from usage.models import ClientKey, UsageRollup
from usage.panels import DIMENSION_TITLES, SHOWN_PERIODS, traffic
from usage.reports import PERIODS

CHARTS = (("requests", "Requests"), ("cost", "Cost"), ("tokens", "Tokens"))
KEY_VARIABLE = "$PATCHBAY_KEY"


class Step(NamedTuple):
    """One step of the first run. `links` are (words, page), the first one is the main one."""

    title: str
    text: str
    done: bool
    links: tuple[tuple[str, str], ...] = ()


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the index template shows, by what this person may see."""
    context["title"] = context["content_title"] = "Home"
    if not request.user.has_perm("patchbay_usage.view_usagerecord"):
        return context | {"may_see_traffic": False}
    context |= {"may_see_traffic": True}
    if not UsageRollup.objects.exists():
        return context | first_run()
    asked = request.GET
    only = {name: asked[name] for name in DIMENSION_TITLES if asked.get(name)}
    found = notices(request)
    return context | {
        "traffic": traffic(
            asked.get("range", ""), asked.get("by", ""), only, every_row="all" in asked
        ),
        "only": [(name, value, _without(request, name)) for name, value in only.items()],
        "every_row": "all" in asked,
        "periods": [PERIODS[name] for name in SHOWN_PERIODS],
        "dimensions": DIMENSION_TITLES,
        "charts": CHARTS,
        "notices": found[:MOST_SHOWN],
        "more_notices": max(0, len(found) - MOST_SHOWN),
        "sees_everything": sees_everything(request),
    }


def _without(request: HttpRequest, name: str) -> str:
    """The same page, not narrowed by this name."""
    asked = request.GET.copy()
    asked.pop(name, None)
    return f"?{asked.urlencode()}"


def first_run() -> dict[str, Any]:
    """Until the first request: the steps to it, and a line that works once a key is filled in."""
    lines = snippets(settings.PUBLIC_URL, KEY_VARIABLE, *models_for(None))
    steps = _steps()
    return {
        "first_run": steps,
        "done_steps": sum(step.done for step in steps),
        "next_step": next(number for number, step in enumerate(steps, 1) if not step.done),
        "kept": directory(settings.VAR_DIR).is_dir(),
        "lines": f"export PATCHBAY_KEY=pbk_…\n{lines[0].text}",
    }


def _steps() -> list[Step]:
    demo = (
        "the demo provider answers without a vendor." if settings.DEMO else "it waits for requests."
    )
    add_provider = reverse("admin:patchbay_providers_provider_add")
    return [
        Step("Patchbay is running", f"You are signed in, and {demo}", done=True),
        Step(
            "Add a provider",
            "An account of OpenAI, Anthropic or any server that speaks OpenAI’s format. You can test "
            "it and pick its models.",
            real_providers().exists(),
            (("Choose a provider", add_provider),),
        ),
        Step(
            "Issue a client key",
            "What your program presents. You choose its models, limits and expiry.",
            ClientKey.objects.exists(),
            (("Issue a key", reverse("admin:patchbay_usage_clientkey_add")),),
        ),
        Step(
            "Send the first request",
            "From your shell or your program. It appears here within seconds.",
            done=False,
        ),
    ]
