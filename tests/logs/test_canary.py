"""Unique secrets, every fault that there is, everything at its most talkative: nobody gets to see one."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.chaos import Cut, Data, Head, Raw, Reset, Stall, Step, speech, stream, whole
from tests.house import ANTHROPIC_SECRET, CHAT, MESSAGES, OPENAI_SECRET, asked
from tests.server.process import SERVE, Running, running

SHAPED = "sk-proj-" + "9sAx7Qm2Zk4TbW1e" * 3
"""Nobody knows it, but what it is can be seen."""
SAID = f"Incorrect API key provided: {OPENAI_SECRET}."
EVENTS = speech.chat_events()
HTML = {"content-type": "text/html"}
FAULTS: dict[str, list[Step]] = {
    **{
        f"{status} that quotes the key": whole(speech.chat_error(SAID), status)
        for status in (400, 401, 403, 404, 413, 422, 429, 500, 503, 529)
    },
    "a page that quotes it": whole(f"<html>{SAID}</html>".encode(), 502, HTML),
    "a redirect with it": whole(
        b"", 302, {"location": f"https://else.example/?key={OPENAI_SECRET}"}
    ),
    "headers with it": whole(b"{}", 500, {"x-echo": f"Bearer {OPENAI_SECRET}"}),
    "an answer with it": whole(speech.chat_body(SAID)),
    "an error event with it": stream([*EVENTS[:3], b"data: " + speech.chat_error(SAID) + b"\n\n"]),
    "an event that is no JSON": stream([*EVENTS[:3], f"data: {SAID}\n\n".encode()]),
    "no HTTP": [Raw(f"{SAID}\r\n\r\n".encode())],
    "bad framing": [Head(), Raw(f"zz{OPENAI_SECRET}\r\n".encode())],
    "a cut": stream(EVENTS[:3], then=[Cut()]),
    "a reset": stream(EVENTS[:3], then=[Reset()]),
    "a reset before anything": [Reset()],
    "silence": stream(EVENTS[:3], then=[Stall()]),
    "silence before anything": [Stall()],
    "an endless event": stream([*EVENTS[:3]], then=[Data(b"data: " + SAID.encode() * 30_000)]),
}
LOUD = {
    "LOG_LEVEL": "debug",
    "LOG_FILE_LEVEL": "debug",
    "LOG_BODIES": "full",
    "LOG_REDACT": "none",
    "FIRST_CONTENT_SECONDS": 0.5,
    "IDLE_SECONDS": 0.5,
    "TOTAL_SECONDS": 2,
    "DRAIN_DELAY_SECONDS": 0,
}


async def provoke(gateway: Running, chaos: Any) -> list[httpx.Response]:
    """Every fault, streamed or not, and a client that puts its key where it does not belong."""
    key, found = gateway.key, []
    base = f"http://127.0.0.1:{gateway.port}"
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(trust_env=False, timeout=10, base_url=base) as client:
        for steps in FAULTS.values():
            for streamed in (False, True):
                chaos.next(steps)
                body = asked("gpt-test", stream=streamed)
                found.append(await client.post(CHAT, json=body, headers=headers))
        careless = {"user": key, "metadata": {"user_id": key}, "max_tokens": 9}
        quoting = [{"role": "user", "content": f"My key is {key}"}]
        misplaced: list[tuple[str, dict[str, Any], dict[str, str]]] = [
            (f"{CHAT}?key={key}", asked("gpt-test"), {}),
            (CHAT, {**asked("gpt-test"), **careless, "messages": quoting}, headers),
            (MESSAGES, {**asked("claude-test"), **careless}, headers | {"x-request-id": key}),
            (CHAT, {**asked("gpt-test"), "tools": [{"no": key}]}, headers | {"x-session-id": key}),
            (CHAT, {"model": "gpt-test", "messages": key}, headers),
            (f"/nowhere/{key}?key={key}", {}, {"referer": f"https://x.example/{key}"}),
            (CHAT, asked("gpt-test"), {"authorization": f"Bearer {key[:-1]}x"}),
            (CHAT, asked("gpt-test"), {"cookie": f"key={key}", "x-api-key": key}),
        ]
        for secret in (key, OPENAI_SECRET, SHAPED):
            ids = {"x-request-id": secret, "x-session-id": secret}
            named = {**asked(f"gpt-any-{secret}"), "user": secret, "metadata": {secret: secret}}
            misplaced += [(CHAT, {**named, "stream": on}, headers | ids) for on in (False, True)]
            misplaced.append((MESSAGES, {**named, "max_tokens": 9}, headers | ids))
            misplaced.append((CHAT, named, ids))
        for path, body, more in misplaced:
            found.append(await client.post(path, json=body, headers=more))
        found.append(await client.post(CHAT, content=f'{{"model": {key}', headers=headers))
        found += [await client.get(path) for path in ("/metrics", "/readyz", "/healthz", "/livez")]
    return found


def hits(secrets: list[str], texts: dict[str, bytes]) -> list[str]:
    """Where a secret stands, in any of its forms."""
    forms = {
        form: secret
        for secret in secrets
        for form in (
            secret.encode(),
            quote(secret, safe="").encode(),
            base64.b64encode(secret.encode()),
            json.dumps(secret).encode()[1:-1],
        )
    }
    return [
        f"{secret[:8]}… in {name}: …{text[max(0, text.find(form) - 80) : text.find(form) + 10]!r}"
        for name, text in texts.items()
        for form, secret in forms.items()
        if form in text
    ]


async def test_no_secret_is_in_any_log_answer_metric_table_or_file(chaos, database: Path):
    async with running(chaos, database, SERVE, **LOUD) as gateway:
        answers = await provoke(gateway, chaos)
        gateway.signal()
        await gateway.ended()
        output = gateway.output
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 404, 502, 503, 504}
    providers = [OPENAI_SECRET, ANTHROPIC_SECRET]
    # what a provider says to a client in an answer is the client's, word for word
    told = {
        f"answer {number} ({answer.status_code})": answer.content + repr(answer.headers).encode()
        for number, answer in enumerate(answers)
        if answer.status_code >= 400
    }
    assert hits(providers, told) == []
    files = {
        str(path.relative_to(database.parent)): path.read_bytes()
        for path in database.parent.rglob("*")
        if path.is_file()
    }
    assert any(name.endswith("transcripts.log") for name in files)
    assert any(name.endswith("patchbay.log") for name in files)
    assert "patchbay.db" in files
    assert hits([*providers, gateway.key, SHAPED], {**files, "output": output.encode()}) == []


@pytest.mark.parametrize("text", ["nothing of the kind", OPENAI_SECRET[:-1]])
def test_the_search_itself_finds_what_is_there_and_only_that(text: str):
    told = {"file": f"x {OPENAI_SECRET} y".encode(), "other": text.encode()}
    assert len(hits([OPENAI_SECRET], told)) == 1
    assert hits([ANTHROPIC_SECRET], told) == []
