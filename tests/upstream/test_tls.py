"""Providers over TLS: who is trusted, and in what words it is said that someone is not."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers.adapters.registry import ADAPTERS
from providers.connection import Place, try_connection
from providers.errors import Unreachable
from providers.origin import Origin, system_trust
from providers.upstream import Upstream, UpstreamRequest
from tests.chaos import Chaos, open_chaos, speech, stream
from tests.house import CHAT, House, provider, rule
from tests.upstream.listening import Names, hanging_up, listening

LONG = "x" * 3_000_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine that only those trust who were told to, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chaos")])
    names: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.DNSName("localhost"),
    ]
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "chaos.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
async def secure(certificate: Path) -> AsyncIterator[Chaos]:
    """The scripted upstream behind TLS."""
    async with open_chaos(tls=_serving(certificate)) as chaos:
        yield chaos


def _serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def at(base_url: str) -> dict[str, object]:
    providers = [provider("openai", base_url, "sk-tls")]
    return {"providers": providers, "rules": [rule("gpt", "gpt-*", ["openai"])]}


async def message_of(house: House) -> str:
    response = await house.chat()
    assert response.status_code == 502
    return str(response.json()["error"]["message"])


async def test_a_provider_that_is_trusted_is_asked_and_asked_again(
    opening, secure: Chaos, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with opening(at(secure.openai_url), MAX_BODY_BYTES=2 * len(LONG)) as house:
        assert (await house.chat()).content == speech.chat_body()
        secure.next(stream(speech.chat_events(), pause=0.002))
        streamed = await house.chat(stream=True, stream_options={"include_usage": True})
        assert streamed.content == b"".join(speech.chat_events())
        messages = [{"role": "user", "content": LONG}]
        assert (await house.chat(messages=messages)).status_code == 200
        assert (await secure.seen(3)).json["messages"] == messages
    assert secure.accepted == 1


async def test_the_admin_s_try_trusts_the_same(
    secure: Chaos, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    """Else a provider would look broken in the admin and work, or the other way round."""
    place = Place(ADAPTERS["openai_compatible"], secure.openai_url, allow_private=True)
    verdict = await asyncio.to_thread(try_connection, place, "sk-tls")
    assert "certificate is not valid" in verdict.sentence
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    verdict = await asyncio.to_thread(try_connection, place, "sk-tls")
    assert verdict.tone in ("good", "careful"), verdict.sentence


async def test_a_client_that_leaves_is_gone_for_the_provider_too(
    opening, secure: Chaos, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure.next(stream(speech.chat_events()[:3] * 2000, pause=0.001))
    async with opening(at(secure.openai_url)) as house:
        client = await house.open_stream(CHAT)
        client.leave()
        await (await secure.seen()).leaving()


@pytest.mark.parametrize("framing", ["length", "close"])
async def test_the_end_of_an_answer_is_not_lost_where_the_provider_hangs_up_behind_it(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, framing: str
):
    """It comes faster than it is read, so it is held back while the end of the connection arrives."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    said = b"content-length: %d" % len(LONG) if framing == "length" else b"x-framing: none"
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n%b\r\n\r\n" % said
    upstream = Upstream(connect_seconds=1.0)
    with hanging_up(head + LONG.encode(), _serving(certificate)) as port:
        asked = UpstreamRequest(f"https://127.0.0.1:{port}/", {}, b"{}", private=True)
        reply = await upstream.send(asked)
        await asyncio.sleep(0.1)
        assert len(await reply.body(2 * len(LONG))) == len(LONG)
        reply.close()
    await upstream.close()


async def test_a_host_may_end_in_the_dot_of_the_root(
    secure: Chaos, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    """Names are absolute so; no certificate has the dot."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    origin = Origin(("localhost.", secure.port), Names("127.0.0.1"), system_trust(), 1.0)
    assert (await origin.connection()).alive
    origin.close()


async def test_a_certificate_of_another_name_is_not_accepted(
    secure: Chaos, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    origin = Origin(("other.example", secure.port), Names("127.0.0.1"), system_trust(), 1.0)
    with pytest.raises(Unreachable, match="certificate is not valid"):
        await origin.connection()
    assert secure.requests == []


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(opening, secure: Chaos):
    async with opening(at(secure.openai_url)) as house:
        assert "certificate is not valid" in await message_of(house)
    assert secure.requests == []


async def test_https_to_a_server_without_tls_is_said(opening):
    async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async with listening(complain) as port, opening(at(f"https://127.0.0.1:{port}/v1")) as house:
        assert "TLS failed" in await message_of(house)


async def test_http_to_a_server_with_tls_is_said(opening, secure: Chaos):
    async with opening(at(f"http://127.0.0.1:{secure.port}/v1")) as house:
        message = await message_of(house)
    assert "connection was closed" in message or "not HTTP" in message
