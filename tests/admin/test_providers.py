"""Providers: secrets go in and never come out, saving publishes, mistakes stay on the form."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from auditlog.models import LogEntry
from django.test import Client, override_settings

from providers.models import Credential, ModelPrice, Provider
from providers.secrets import open_secret
from routing.apply import apply
from routing.models import ConfigVersion, Rule
from routing.publish import newest
from tests.admin.conftest import SECRET
from tests.admin.pages import errors, fields, submit, text

ADD = "/admin/patchbay_providers/provider/add/"


def change(provider: Provider) -> str:
    return f"/admin/patchbay_providers/provider/{provider.pk}/change/"


def add(admin: Client, **changed: str):
    filled = {
        "name": "acme",
        "adapter": "openai",
        "credentials-0-new_secret": SECRET,
        "deployments-0-model": "gpt-4.1",
    }
    return submit(admin, ADD, "provider", **filled | changed)


def test_a_new_provider_is_saved_and_published_with_its_author(admin: Client):
    assert add(admin).status_code == 302
    version = newest()
    assert version is not None
    [provider] = version.document["providers"]
    assert provider["name"] == "acme"
    assert provider["deployments"] == [{"model": "gpt-4.1"}]
    assert str(version.author) == "olga"
    assert version.note == "Added provider acme"


def test_a_secret_is_encrypted_at_rest_and_opens_for_its_own_row_alone(admin: Client):
    add(admin)
    credential = Credential.objects.get()
    assert SECRET not in credential.secret
    assert open_secret(credential.secret, "acme/main") == SECRET
    assert credential.last4 == SECRET[-4:]


def test_no_page_and_no_log_ever_shows_a_secret(admin: Client):
    add(admin)
    provider = Provider.objects.get()
    page = text(admin.get(change(provider)))
    assert "ends in …9876" in page
    assert SECRET not in page
    assert Credential.objects.get().secret not in page
    version = newest()
    assert version is not None
    shown = text(admin.get(f"/admin/patchbay_routing/configversion/{version.number}/change/"))
    assert "an encrypted secret" in shown
    assert "enc:v1" not in shown
    assert not any("enc:v1" in str(entry.changes) for entry in LogEntry.objects.all())


def test_a_refused_form_does_not_send_the_secret_back(admin: Client):
    answer = add(admin, **{"deployments-0-model": "gpt-*"})
    assert SECRET not in text(answer)
    assert not Provider.objects.exists()


def test_a_reference_is_kept_and_shown_as_it_is(admin: Client):
    add(admin, **{"credentials-0-new_secret": "env:ACME_KEY"})
    assert Credential.objects.get().secret == "env:ACME_KEY"
    assert "env:ACME_KEY" in text(admin.get(change(Provider.objects.get())))


@pytest.fixture
def secret_files(tmp_path: Path) -> Iterator[Path]:
    """The directory whose files may be named in the admin."""
    place = tmp_path / "secrets"
    place.mkdir()
    with override_settings(SECRET_FILES_DIR=str(place)):
        yield place


def test_a_file_of_the_directory_of_secrets_can_be_named(admin: Client, secret_files: Path):
    """As Kubernetes lays them: the name leads to a file deeper in the same directory."""
    (secret_files / "..data").mkdir()
    (secret_files / "..data" / "key").write_text(SECRET)
    (secret_files / "key").symlink_to("..data/key")
    stored = f"file:{secret_files}/key"
    assert add(admin, **{"credentials-0-new_secret": stored}).status_code == 302
    assert Credential.objects.get().secret == stored


def test_a_file_that_is_only_led_to_from_that_directory_cannot(
    admin: Client, secret_files: Path, tmp_path: Path
):
    (tmp_path / "elsewhere").write_text("of somebody else")
    (secret_files / "key").symlink_to(tmp_path / "elsewhere")
    found = errors(add(admin, **{"credentials-0-new_secret": f"file:{secret_files}/key"}))
    assert "Name a file below" in found["credentials-0-new_secret"][0]


def test_no_file_can_be_named_where_no_directory_is_set(admin: Client):
    with override_settings(SECRET_FILES_DIR=""):
        found = errors(add(admin, **{"credentials-0-new_secret": "file:/run/secrets/key"}))
    assert "No file can be named here" in found["credentials-0-new_secret"][0]


def test_a_file_that_the_operator_named_elsewhere_stays(admin: Client):
    entry = {"label": "main", "secret": "file:/etc/hostname"}
    apply({"providers": [{"name": "acme", "adapter": "openai", "credentials": [entry]}]})
    provider = Provider.objects.get()
    assert submit(admin, change(provider), "provider", name="renamed").status_code == 302
    assert Credential.objects.get().secret == "file:/etc/hostname"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("base_url", "http://127.0.0.1:9/v1", "private address"),
        ("base_url", "http://user:word@acme.example/v1", "must not hold a user"),
        ("base_url", "ftp://acme.example", "must begin with http"),
        ("deployments-0-model", "gpt-*", "Patterns belong into rules"),
        ("deployments-0-input_price", "1", "Give both prices, or neither"),
        ("credentials-0-new_secret", "env:", "needs the name of a variable"),
        ("credentials-0-new_secret", "env:SECRET_KEY", "own secret"),
        ("credentials-0-new_secret", "file:/etc/passwd", "Name a file below /run/secrets"),
        ("credentials-0-new_secret", "file:/run/secrets/../key", "Name a file below /run/secrets"),
        ("credentials-0-new_secret", "file:/run/secrets", "Name a file below /run/secrets"),
        (
            "credentials-0-new_secret",
            "file:/run/secrets-of-others/key",
            "Name a file below /run/secrets",
        ),
        ("credentials-0-new_secret", "file:secrets/key", "Name a file below /run/secrets"),
        ("credentials-0-new_secret", "file:/run/secrets/a\x00b", "ull characters"),
        ("credentials-0-new_secret", "clé-secrète", "beyond ASCII"),
        ("name", "not a slug", "letters, digits"),
        ("adapter", "smoke-signals", "not one of the available choices"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_nothing_is_saved(
    admin: Client, field: str, value: str, sentence: str
):
    found = errors(add(admin, **{field: value}))
    field = {"deployments-0-input_price": "deployments-0-output_price"}.get(field, field)
    assert sentence in " ".join(found[field])
    assert not Provider.objects.exists()
    assert newest() is None


def test_a_change_that_breaks_a_rule_is_refused_with_the_rule_named(
    admin: Client, openai: Provider, rule: Rule
):
    """The rule's only target is the deployment that goes away."""
    number = openai.deployments.get(model="gpt-4.1").pk
    before = ConfigVersion.objects.count()
    row = next(
        name.removesuffix("-id")
        for name, value in fields(admin.get(change(openai)), "provider").items()
        if name.startswith("deployments-") and name.endswith("-id") and value == [str(number)]
    )
    answer = submit(admin, change(openai), "provider", **{f"{row}-DELETE": "on"})
    [sentence] = errors(answer)["__all__"]
    assert "GPT" in sentence
    assert "at least one target" in sentence
    assert openai.deployments.filter(pk=number).exists()
    assert ConfigVersion.objects.count() == before


def test_a_provider_that_rules_need_cannot_be_deleted(admin: Client, openai: Provider, rule: Rule):
    path = f"/admin/patchbay_providers/provider/{openai.pk}/delete/"
    answer = admin.post(path, {"post": "yes"}, follow=True)
    assert "Not deleted" in text(answer)
    assert Provider.objects.filter(pk=openai.pk).exists()


def test_a_renamed_provider_keeps_its_secret(admin: Client, openai: Provider):
    answer = submit(admin, change(openai), "provider", name="openai-eu")
    assert answer.status_code == 302
    assert open_secret(Credential.objects.get().secret, "openai-eu/main") == SECRET


def test_a_renamed_label_keeps_its_secret(admin: Client, openai: Provider):
    submit(admin, change(openai), "provider", **{"credentials-0-label": "eu"})
    assert open_secret(Credential.objects.get().secret, "openai/eu") == SECRET


def test_saving_without_a_change_publishes_nothing(admin: Client, openai: Provider):
    submit(admin, change(openai), "provider")
    assert ConfigVersion.objects.count() == 1


def test_prices_stand_beside_their_models(admin: Client, openai: Provider):
    number = [row.model for row in openai.deployments.all()].index("gpt-4.1")
    prices = {f"deployments-{number}-input_price": "1.5", f"deployments-{number}-output_price": "6"}
    assert submit(admin, change(openai), "provider", **prices).status_code == 302
    assert ModelPrice.objects.get().input_per_mtok == Decimal("1.5")
    gone = {f"deployments-{number}-input_price": "", f"deployments-{number}-output_price": ""}
    submit(admin, change(openai), "provider", **gone)
    assert not ModelPrice.objects.exists()


def test_the_library_price_is_a_hint_in_an_empty_box(admin: Client, openai: Provider):
    assert 'placeholder="2"' in text(admin.get(change(openai)))
