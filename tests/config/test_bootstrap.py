"""The first run: what it makes, what it says once, and that a second one changes nothing."""

from __future__ import annotations

import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from providers.models import Credential, Provider
from providers.secrets import open_secret
from proxyproject.address import remember_port
from proxyproject.first_run import readdress
from routing.bootstrap import VENDORS
from routing.compile import compile_document
from routing.models import ConfigVersion, Rule
from routing.publish import newest
from routing.rows import live_part, published_part
from usage.models import ClientKey

pytestmark = pytest.mark.django_db

FILES = {
    "README.txt",
    "anthropic_sdk.py",
    "claude-code.env",
    "curl-anthropic.sh",
    "curl-openai.sh",
    "openai_sdk.py",
}


@pytest.fixture(autouse=True)
def home(settings, monkeypatch, tmp_path: Path) -> Path:
    """A house with a demo, in an environment without any vendor's key."""
    settings.DEMO = True
    settings.VAR_DIR = tmp_path
    settings.PUBLIC_URL = "http://gateway.example:8123"
    for variable in VENDORS:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def bootstrap(*options: str) -> str:
    out = StringIO()
    call_command("bootstrap", *options, stdout=out)
    return out.getvalue()


def told(text: str, what: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(what)]
    return line.removeprefix(what).split()[0]


def leads_to(model: str) -> list[str]:
    """The providers of the rule that takes a model."""
    version = newest()
    assert version is not None
    table = compile_document(version.document, open_secret).table
    route = table.match(model, "first-key", "", {})
    return [] if route is None else [c.endpoint.provider for tier in route.tiers for c in tier]


def test_a_first_run_makes_an_admin_a_demo_and_a_key_and_tells_them():
    text = bootstrap()
    assert authenticate(username="admin", password=told(text, "Password")) is not None
    assert told(text, "Client key").startswith("pbk_")
    assert told(text, "Admin") == "http://gateway.example:8123/admin/"
    assert "built in, not a real model" in text
    assert leads_to("demo-model") == leads_to("demo-small") == ["demo"]
    assert leads_to("gpt-4o") == []


def test_the_lines_are_printed_and_kept_for_their_owner_alone(home):
    text = bootstrap()
    directory = home / "first-run"
    assert {path.name for path in directory.iterdir()} == FILES
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "gateway.example:8123" in path.read_text()
        if path.name != "README.txt":
            assert path.read_text() in text
            assert told(text, "Client key") in path.read_text()
    assert "pip install openai" in text
    assert "pip install anthropic" in text


def test_the_lines_name_the_port_that_will_be_served(home, monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    remember_port(home, 8000)
    text = bootstrap("--port", "8137")
    assert told(text, "Admin") == "http://localhost:8137/admin/"
    for path in (home / "first-run").iterdir():
        assert "http://localhost:8137" in path.read_text()
    assert "http://localhost:8138/admin/" in bootstrap("--port", "8138")


def test_an_address_that_somebody_set_counts_before_the_port(monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "http://gateway.example:8123")
    assert told(bootstrap("--port", "8137"), "Admin") == "http://gateway.example:8123/admin/"


def test_kept_lines_follow_the_address_and_keep_what_else_a_person_wrote_there(home):
    bootstrap()
    directory = home / "first-run"
    with (directory / "claude-code.env").open("a") as file:
        file.write("# not http://gateway.example:81234\n")
    (directory / "mine.txt").write_text("http://gateway.example:8123\n")
    (directory / ".claude-code.env.swp").write_bytes(b"b0VIM \xff\xfe")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    readdress(directory, "http://localhost:9000")
    after = {path.name: path.read_bytes() for path in directory.iterdir()}
    for name in ("mine.txt", ".claude-code.env.swp"):
        assert after.pop(name) == before.pop(name)
    assert b"81234" in after["claude-code.env"]
    old, new = b"http://gateway.example:8123", b"http://localhost:9000"
    for name, text in before.items():
        assert after[name] == text.replace(old, new).replace(
            b"localhost:90004", b"gateway.example:81234"
        )
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.glob("*.sh")} == {0o600}


def test_a_key_that_cannot_be_written_anew_stays_where_it_is(home):
    bootstrap()
    directory = home / "first-run"
    (directory / ".claude-code.env.new").mkdir()  # as a full disk would, it lets nobody write
    before = (directory / "claude-code.env").read_text()
    readdress(directory, "http://localhost:9000")
    assert (directory / "claude-code.env").read_text() == before


def test_a_second_run_changes_nothing_and_says_where_things_are(home):
    first = bootstrap()
    before = published_part() | live_part()
    kept = (home / "first-run" / "curl-openai.sh").read_text()
    second = bootstrap()
    assert published_part() | live_part() == before
    assert ConfigVersion.objects.count() == 1
    assert (home / "first-run" / "curl-openai.sh").read_text() == kept
    assert told(first, "Password") not in second
    assert told(first, "Client key") not in second
    for words in ("bootstrap --reset-admin", "issue_key --name", "first-run", "/admin/"):
        assert words in second


def test_what_a_person_removed_or_changed_is_not_brought_back():
    bootstrap()
    Rule.objects.filter(name="demo-small").update(priority=7)
    ClientKey.objects.all().delete()
    bootstrap()
    assert Rule.objects.get(name="demo-small").priority == 7
    assert not ClientKey.objects.exists()
    Provider.objects.all().delete()
    Rule.objects.all().delete()
    bootstrap()
    assert not Provider.objects.exists()


def test_the_admins_password_is_made_anew_on_demand():
    old = told(bootstrap(), "Password")
    new = told(bootstrap("--reset-admin"), "Password")
    assert authenticate(username="admin", password=old) is None
    assert authenticate(username="admin", password=new) is not None


def test_vendors_whose_keys_are_in_the_environment_are_there_with_their_models(monkeypatch):
    for variable in VENDORS:
        monkeypatch.setenv(variable, "sk-from-the-environment")
    bootstrap()
    assert set(Credential.objects.values_list("secret", flat=True)) == {
        f"env:{variable}" for variable in VENDORS
    }
    for model, vendor in {
        "gpt-4o": "openai",
        "o3-mini": "openai",
        "claude-sonnet-4-5": "anthropic",
        "gemini-2.5-pro": "gemini",
        "mistral-large-latest": "mistral",
        "open-mixtral-8x22b": "mistral",
        "codestral-latest": "mistral",
        "llama-3.3-70b-versatile": "groq",
        "openai/gpt-oss-120b": "groq",
        "openai/gpt-4o": "openrouter",
        "anthropic/claude-sonnet-4.5": "openrouter",
        "demo-model": "demo",
    }.items():
        assert leads_to(model) == [vendor], model


def test_a_vendors_key_that_comes_later_adds_that_vendor_alone(monkeypatch):
    bootstrap()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant")
    text = bootstrap()
    assert "Made provider anthropic." in text
    assert "Client key" not in text
    assert leads_to("claude-haiku-4-5") == ["anthropic"]


def test_production_has_no_demo(settings, monkeypatch, home):
    settings.DEMO = False
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    bootstrap()
    assert {row.name for row in Provider.objects.all()} == {"openai"}
    assert '"model": "gpt-4o"' in (home / "first-run" / "curl-openai.sh").read_text()


def test_without_any_model_the_lines_say_what_has_to_be_filled_in(settings):
    settings.DEMO = False
    assert bootstrap().endswith("Put names that your rules take for MODEL and SMALL-MODEL.\n")
