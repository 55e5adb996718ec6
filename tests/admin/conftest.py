"""A signed-in operator and a small world to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from providers.models import Credential, Deployment, Provider
from providers.secrets import seal
from routing.models import Rule, Target
from routing.publish import publish
from tests.admin.vendor import Vendor, open_vendor
from tests.databases import copy_template, sqlite, use_database
from usage.models import Team

if TYPE_CHECKING:
    from tests.admin.browser import Visiting

SECRET = "sk-live-0123456789abcdef-9876"


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create(username="olga", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(operator: User) -> Client:
    """The operator's browser."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with open_vendor() as vendor:
        yield vendor


@pytest.fixture
def acme(db: None, vendor: Vendor) -> Provider:
    """A provider at the vendor's server, with a sealed secret; not published."""
    provider = Provider.objects.create(
        name="acme", adapter="openai", base_url=vendor.url, allow_private_network=True
    )
    Credential.objects.create(provider=provider, secret=seal(SECRET, "acme/main"))
    return provider


@pytest.fixture
def openai(db: None) -> Provider:
    """A provider with a sealed secret, a named model and any model; published."""
    provider = Provider.objects.create(name="openai", adapter="openai")
    Credential.objects.create(
        provider=provider, label="main", secret=seal(SECRET, "openai/main"), last4=SECRET[-4:]
    )
    Deployment.objects.create(provider=provider, model="gpt-4.1")
    Deployment.objects.create(provider=provider, model="*")
    publish(note="The beginning")
    return provider


@pytest.fixture
def rule(openai: Provider) -> Rule:
    """gpt-* goes to the provider's named model."""
    rule = Rule.objects.create(name="GPT", match_model="gpt-*")
    Target.objects.create(rule=rule, deployment=openai.deployments.get(model="gpt-4.1"))
    publish(note="A rule")
    return rule


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Research")


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """The browser of somebody who may do these things and nothing else: `staff("view_rule")`."""

    def sign_in(*may: str) -> Client:
        user = User.objects.create(username="sam", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=may))
        assert user.user_permissions.count() == len(may), "there is no such permission"
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture(scope="module")
def visiting(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
) -> Iterator[Visiting]:
    """A real browser at a gateway whose database and logs the module's `fill(logs)` has filled."""
    from tests.admin.browser import browser, gateway, make_operator, visit  # nobody else needs one

    database = copy_template(template, tmp_path_factory.mktemp("browser") / "patchbay.db")
    with django_db_blocker.unblock(), use_database(sqlite(database)):
        make_operator()
        request.module.fill(database.with_name("var") / "logs")
    # the browser comes last: the database does not like the loop that it runs in this thread
    with gateway(database) as address, browser() as started:
        yield partial(visit, started, address)
