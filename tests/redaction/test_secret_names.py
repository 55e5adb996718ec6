"""What a member is called says that it is secret, or does not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from usage.transcripts.redact import Names, Redactor
from usage.transcripts.secrets import SecretFilter

REDACTOR = Redactor(secrets=SecretFilter())
HIDDEN = "[hidden]"
SECRET = re.findall(
    r"\S+",
    "password passwd Password db_password user-password newPassword password2 DB_PASSWORD10 passphrase "
    "passcode secret secrets client_secret webhook_secret GITHUB_TOKEN SLACK_BOT_TOKEN session_token "
    "refreshToken id_token token_token api_key apiKey APIKEY api.key x-goog-api-key apiKeys accessKey "
    "aws_secret_access_key signing_key privateKey subscription-key credential credentials Authorization "
    "proxy-authorization Cookie set-cookie session_cookie bearer db_pass DB_PASS redis-pwd",
)
HARMLESS = re.findall(
    r"\S+",
    "text token tokens max_tokens stop_token eos_token bos_token next_page_token tokenizer keyword key keys "
    "primary_key monkey compass pass bypass pwd password_hint secretary signature description cookies_banner",
)


def kept(document: Any) -> Any:
    [line] = REDACTOR.redact_documents([json.dumps(document).encode()], Names())
    return json.loads(line)


@pytest.mark.parametrize("name", SECRET)
def test_what_a_secret_is_called(name: str):
    inner = json.dumps({"user": "ada", name: "Hello"})
    asked = {name: "Hello", "list": {name: ["Hello", "you"]}, "arguments": inner}
    told = {name: HIDDEN, "list": {name: [HIDDEN, HIDDEN]}}
    said = kept(asked)
    assert json.loads(said.pop("arguments")) == {"user": "ada", name: HIDDEN}
    assert said == told


@pytest.mark.parametrize("name", HARMLESS)
def test_what_other_things_are_called(name: str):
    asked = {name: "Hello", "arguments": json.dumps({name: "Hello"}), "list": {name: [1, "you"]}}
    assert kept(asked) == asked


def test_a_schema_that_tells_of_a_password_stays():
    asked = {"properties": {"password": {"type": "string", "minLength": 8}}, "password": None}
    assert kept(asked) == asked


def test_a_number_may_be_a_password_but_is_no_token():
    asked = {"password": 12345678, "pin_secret": 1.5, "session_token": 7, "has_secret": True}
    told = {"password": HIDDEN, "pin_secret": HIDDEN, "session_token": 7, "has_secret": True}
    assert kept(asked) == told


def test_pieces_of_words_are_no_secret_though_they_are_called_token():
    pieces = [{"token": text, "logprob": -0.1} for text in ("Hel", " localization", "." * 15)]
    asked = {"logprobs": {"content": pieces}}
    assert kept(asked) == asked
    assert kept({"token": "a1b2c3d4e5f6a7b8"}) == {"token": HIDDEN}
    assert kept({"token": "words with blanks between them"}) == {
        "token": "words with blanks between them"
    }


def test_a_long_sentence_is_no_name_whatever_it_ends_in():
    asked = {"A sentence " * 10 + "on the password": "Hello"}
    assert kept(asked) == asked


def test_it_is_said_how_many_were_hidden():
    names = Names()
    REDACTOR.redact_documents([b'{"db_pass":"a","list":[{"token":"b","api_key":7}]}'], names)
    assert names.counts == {"SECRET": 2}
