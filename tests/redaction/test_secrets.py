"""Secrets: hidden by value, whatever surrounds them, and by the shapes that vendors publish."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.redaction.samples import KNOWN, LEFT, SHAPES
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.spans import BETWEEN

FILTER = SecretFilter(KNOWN)


@pytest.mark.parametrize(
    "around", ["{}", "key={}&x", '{{"a": "{}"}}', "x{}x", "Bearer {}", "\n{}\n"]
)
@pytest.mark.parametrize("secret", KNOWN)
def test_a_known_secret_is_hidden_wherever_it_stands(secret, around):
    hidden = FILTER.hide(around.format(secret))
    assert secret not in hidden
    assert "[hidden]" in hidden


@pytest.mark.parametrize("secret", KNOWN)
def test_a_known_secret_is_hidden_as_urls_and_json_write_it(secret):
    percent = quote(secret, safe="")
    for form in (
        percent,
        percent.lower().replace(secret.lower(), secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps({"key": secret}))[1:-1],
    ):
        assert "[hidden]" in FILTER.hide(f"before {form} after"), form


@pytest.mark.parametrize("secret", KNOWN)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_a_known_secret_is_hidden_in_base64_at_every_byte(secret, encode, before):
    data = f"{before}{secret}~end of it".encode()
    hidden = FILTER.hide(encode(data).decode())
    assert "[hidden]" in hidden
    left = hidden.replace("[hidden]", "")
    assert len(left) < 8 + len(before) + len("~end of it") * 2


@given(
    st.text(min_size=8, max_size=60).filter(lambda text: text not in "[hidden]"),
    st.text(max_size=80),
    st.text(max_size=80),
)
def test_no_known_secret_survives_between_any_texts(secret, before, after):
    hidden = SecretFilter([secret]).hide(before + secret + after)
    assert "[hidden]" in hidden
    assert secret not in hidden


RUNS = st.text("abcXYZ019_-", max_size=40)


@given(st.text("abcXYZ019_-+/", min_size=20, max_size=80), RUNS, RUNS)
def test_no_known_key_survives_within_a_longer_word(secret, before, after):
    assert secret not in SecretFilter([secret, "another-of-" * 4]).hide(f"{before}{secret}{after}")


def test_what_was_harmless_is_hidden_once_it_is_known():
    secrets = SecretFilter()
    assert secrets.hide_again("a later-secret") == "a later-secret"
    secrets.known(["later-secret"])
    assert secrets.hide_again("a later-secret") == "a [hidden]"
    assert secrets.hide_again("a later-secret") == "a [hidden]"


def test_however_many_texts_were_harmless_the_next_one_is_searched():
    secrets = SecretFilter(["later-secret"])
    for number in range(2500):
        assert secrets.hide_again(f"model-{number}") == f"model-{number}"
    assert secrets.hide_again("a later-secret") == "a [hidden]"


def test_secrets_can_become_known_while_others_are_hidden():
    secrets = SecretFilter()
    assert secrets.hide("a later-secret") == "a later-secret"
    secrets.known(["later-secret", "another one"])
    assert secrets.hide("a later-secret, another one") == "a [hidden], [hidden]"


def test_short_values_are_words_and_stay():
    assert SecretFilter(["secret", ""]).hide("a secret") == "a secret"


def test_thousands_of_secrets_are_found_too():
    values = [f"vendor-{number:05}-{'x' * 30}" for number in range(3000)]
    secrets = SecretFilter(values)
    assert secrets.hide(f"one {values[2999]} two {values[0]}.") == "one [hidden] two [hidden]."


@pytest.mark.parametrize(("vendor", "secret"), SHAPES, ids=[vendor for vendor, _ in SHAPES])
@pytest.mark.parametrize("around", ["{}", "use {}, please", '"{}"', "a line\\n{}", "?x={}&y=1"])
def test_what_looks_like_a_key_is_hidden_though_nobody_knows_it(vendor, secret, around):
    around = around.replace("\\n", "\n") if "key" in vendor else around.replace("\\n", "\\n ")
    assert FILTER.hide(around.format(secret)) == around.format("[hidden]")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abc.DEF-123", "Authorization: Bearer [hidden]"),
        ("'authorization': 'Basic dXNlcjpwYXNz'", "'authorization': 'Basic [hidden]'"),
        ("x-api-key: 0123456789abcdef", "x-api-key: [hidden]"),
        ("GET /v1/models?key=abcdefgh&alt=sse", "GET /v1/models?key=[hidden]&alt=sse"),
        ("/x?access_token=opaque", "/x?access_token=[hidden]"),
        ("https://me:pa55w@example.com/", "https://me:[hidden]@example.com/"),
        ("postgres://u:p@db.example:5432/x", "postgres://u:[hidden]@db.example:5432/x"),
        ('{"api_key": "whatever-it-is"}', '{"api_key": "[hidden]"}'),
        ('{\\"client_secret\\": \\"whatever-it-is\\"}', '{\\"client_secret\\": \\"[hidden]\\"}'),
        ("PASSWORD=hunter2hunter2 ./run", "PASSWORD=[hidden] ./run"),
        ("Cookie: session=abc; theme=dark\r\nHost: x", "Cookie: [hidden]\r\nHost: x"),
        ("bearer " + "a1" * 20, "bearer [hidden]"),
    ],
)
def test_what_stands_where_secrets_are_kept_is_hidden(text, hidden):
    assert FILTER.hide(text) == hidden


def test_a_private_key_is_hidden_even_if_it_is_cut():
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEabc+/=\n" * 20
    assert (
        FILTER.hide(f"{key}-----END RSA PRIVATE KEY-----")
        == "[hidden]-----END RSA PRIVATE KEY-----"
    )
    assert FILTER.hide(key) == "[hidden]"
    assert FILTER.hide(json.dumps(key)) == '"[hidden]"'
    old = key.replace("\nM", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\nM", 1)
    assert FILTER.hide(old) == "[hidden]"


@pytest.mark.parametrize(
    "text",
    [
        *LEFT,
        "api_key=os.environ['KEY'], password=getpass(), token: string",
        "max_tokens=1000 total_tokens: 12345678",
        "a bearer token, a basic understanding, the secret is out",
        "sk-spinner-grid-item and task-management-application-v2",
        "for key, value in items: cache_key = value",
        "see https://example.com/a:b@c",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJust a word",
    ],
)
def test_what_is_no_secret_stays(text):
    assert FILTER.hide(text) == text


def test_bytes_that_are_no_text_keep_every_other_byte():
    data = b"\xff\xfe \x00 " + KNOWN[0].encode() + b" \x80"
    assert FILTER.hide_bytes(data) == b"\xff\xfe \x00 [hidden] \x80"
    untouched = bytes(range(256)) * 4
    assert FILTER.hide_bytes(untouched) is untouched


PREFIXES = re.findall(
    r"\S+",
    """
sk- sk_live_ sk_test_ rk_live_ rk_test_ whsec_ gsk_ hf_ xai- gho_ ghp_ ghr_ ghs_ ghu_ github_pat_ glpat-
xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp- r8_ nvapi- pplx- npm_ pypi- dop_v1_ tvly- AIza GOCSPX-
lin_api_ csk- tgp_v1_ jina_ pbk_ ya29. SG.
""",
)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "before", ["", " ", "a-", "_", "/", "é", "“", "\n", "a\\n", "\\t", "x" * 30 + "-"]
)
def test_a_key_is_told_by_what_vendors_begin_it_with(prefix: str, before: str):
    assert FILTER.hide(f"{before}{prefix}{'a1B2c3D4' * 4}") == f"{before}[hidden]"


@pytest.mark.parametrize("prefix", ["AKIA", "ASIA"])
@pytest.mark.parametrize("before", ["", " ", "a-", "é", "a\\r"])
def test_a_key_of_amazon_is_told_by_its_first_letters(prefix: str, before: str):
    assert FILTER.hide(f"{before}{prefix}ABCD1234EFGH5678") == f"{before}[hidden]"


@pytest.mark.parametrize("scheme", ["Bearer ", "basic\n", "BEARER \t\r", "xBasic "])
@pytest.mark.parametrize(
    "value", ["a1" * 10, "1." * 118 + "a" * 20, "~" + "a1" * 10, "\0" + "a1" * 10]
)
@pytest.mark.parametrize("before", ["", "b" * 40, f"{'c' * 30} {'d' * 30} ", BETWEEN, "x\0"])
def test_what_stands_after_a_scheme_is_hidden(scheme: str, value: str, before: str):
    assert FILTER.hide(f"{before}{scheme}{value}") == f"{before}{scheme}[hidden]"


FRAGMENTS = ["Bearer", "basic", " ", "\n", "\0", "-", "key=", "a1B2" * 6, "é", *KNOWN]
FRAGMENTS += [secret for _, secret in SHAPES]


@given(st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=5).map("".join), max_size=5))
def test_texts_that_are_searched_as_one_come_to_the_same(texts: list[str]):
    assert FILTER.hide(BETWEEN.join(texts)) == BETWEEN.join(map(FILTER.hide, texts))
