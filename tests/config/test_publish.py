"""Publishing: working rows become one immutable version, or nothing happens."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from threading import Barrier, Thread
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import ProtectedError
from django.test import override_settings

from providers.models import Credential, Deployment, Provider
from providers.problems import DocumentInvalid
from providers.signals import configuration_changed
from routing.apply import apply
from routing.models import ConfigVersion, Rule, Target
from routing.publish import newest, publish
from tests.config.files import provider, rule, rules, whole
from tests.conftest import POSTGRES
from tests.databases import use_database
from usage.issue import issue_key
from usage.models import ClientKey, Team


@pytest.mark.django_db
def test_nothing_is_published_where_nothing_is_to_be_said():
    assert publish() is None
    assert newest() is None


@pytest.mark.django_db
def test_a_change_is_published_once_with_author_and_note():
    alice = User.objects.create(username="alice")
    Provider.objects.create(name="openai", adapter="openai")
    version = publish(alice, "Added openai")
    assert version is not None
    assert (version.author, version.note) == (alice, "Added openai")
    assert version.document == {"providers": [{"name": "openai", "adapter": "openai"}], "rules": []}
    assert publish(alice, "Again") is None


@pytest.mark.django_db
def test_a_version_holds_no_secret_in_plain_text():
    apply(whole())
    version = newest()
    assert version is not None
    assert "4711" not in str(version.document)
    assert "from_file" not in str(version.document)


@pytest.mark.django_db
def test_versions_are_numbered_upwards():
    apply(rules(rule("a")))
    apply(rules(rule("b")))
    numbers = list(ConfigVersion.objects.order_by("created_at").values_list("number", flat=True))
    assert numbers == sorted(numbers)
    found = newest()
    assert found is not None
    assert found.number == numbers[-1]


@pytest.mark.django_db
def test_rooms_below_publish_by_saying_that_something_changed():
    Provider.objects.create(name="openai", adapter="openai")
    configuration_changed.send(sender=Provider, author=None, note="Added openai")
    version = newest()
    assert version is not None
    assert version.note == "Added openai"


@pytest.mark.django_db
def test_rows_that_cannot_work_are_refused_by_the_names_that_a_person_sees():
    apply(rules(rule("fine"), rule("broken")))

    def change() -> None:
        with transaction.atomic():
            Target.objects.filter(rule__name="broken").delete()
            configuration_changed.send(sender=Provider)

    with pytest.raises(DocumentInvalid) as raised:
        change()
    [problem] = raised.value.problems
    assert problem.path == "rules[broken].targets"
    assert problem.field == "targets"
    assert Target.objects.filter(rule__name="broken").exists()


@pytest.mark.django_db
def test_a_new_name_of_a_team_is_published_to_the_rules_that_match_it():
    apply(whole())
    team = Team.objects.get()
    team.name = "development"
    team.save()
    version = newest()
    assert version is not None
    [matched] = [entry for entry in version.document["rules"] if entry["name"] == "default"]
    assert matched["match"]["teams"] == ["development"]


@pytest.mark.django_db
def test_a_rule_does_not_open_to_everyone_because_its_only_key_is_deleted():
    apply(whole())
    with pytest.raises(ProtectedError, match="would match everybody"):
        ClientKey.objects.get().delete()
    Rule.objects.get(name="default").delete()
    ClientKey.objects.get().delete()


@pytest.mark.django_db
def test_one_of_several_keys_of_a_rule_is_kept_as_well():
    """Published rules hold names; the next key of that name would be matched by them."""
    apply(whole())
    rule = Rule.objects.get(name="default")
    other, _ = issue_key("other")
    rule.match_keys.add(other)
    with pytest.raises(ProtectedError, match="default"):
        other.delete()
    rule.match_keys.remove(other)
    other.delete()


def sealed() -> Credential:
    """A published credential with an encrypted secret."""
    entry = {"label": "spare", "secret": "sk-a-literal-secret"}
    apply({"providers": [provider(credentials=[entry])]})
    return Credential.objects.get()


@pytest.mark.django_db
@pytest.mark.parametrize("moved", ["provider", "label"])
def test_a_change_by_which_a_secret_stops_opening_is_refused(moved):
    credential = sealed()
    if moved == "provider":
        Provider.objects.update(name="renamed")
    else:
        Credential.objects.update(label="renamed")
    with pytest.raises(DocumentInvalid) as raised:
        publish()
    [problem] = raised.value.problems
    name, label = ("renamed", "spare") if moved == "provider" else ("openai", "renamed")
    assert problem.path == f"providers[{name}].credentials[{label}].secret"
    assert "does not open" in problem.message
    assert credential.secret not in str(problem)


@pytest.mark.django_db
def test_a_secret_copied_to_another_row_is_refused_while_the_first_still_opens():
    credential = sealed()
    thief = Provider.objects.create(name="thief", adapter="openai")
    Credential.objects.create(provider=thief, label="spare", secret=credential.secret)
    with pytest.raises(DocumentInvalid, match="thief"):
        publish()


@pytest.mark.django_db
def test_a_secret_that_did_not_open_before_keeps_nothing_from_being_published():
    sealed()
    with override_settings(ENCRYPTION_KEYS={"new": b"\x02" * 32}):
        Provider.objects.create(name="another", adapter="openai")
        Provider.objects.filter(name="openai").update(name="renamed")
        assert publish() is not None


@pytest.fixture
def postgres(django_db_blocker) -> Iterator[None]:
    """An empty PostgreSQL database of this test's own."""
    url = os.environ[POSTGRES]
    name = f"config_{uuid.uuid4().hex[:12]}"
    place = environ.Env.db_url_config(urlunsplit(urlsplit(url)._replace(path=f"/{name}")))
    with psycopg.connect(url, autocommit=True) as server, django_db_blocker.unblock():
        server.execute(f"CREATE DATABASE {name}")
        try:
            with use_database({**place, "OPTIONS": {}}):
                call_command("migrate", verbosity=0)
                yield
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.postgres
@pytest.mark.usefixtures("postgres")
def test_the_newest_version_holds_every_change_however_many_publish_at_once():
    apply(rules(rule("first")))
    star = Deployment.objects.get()
    together = Barrier(8)

    def add(number: int) -> None:
        together.wait()
        with transaction.atomic():
            added = Rule.objects.create(name=f"rule {number}")
            Target.objects.create(rule=added, deployment=star)
            publish()
        connections.close_all()

    threads = [Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    version = newest()
    assert version is not None
    assert len(version.document["rules"]) == 9
    assert ConfigVersion.objects.count() == 9


@pytest.mark.postgres
@pytest.mark.usefixtures("postgres")
def test_a_file_is_applied_on_postgresql_as_on_sqlite():
    apply(whole())
    assert apply(whole(), prune=True).version is None
