"""What is kept of what was said: through the gateway, into the file, by the policy of key, team and rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from proxyproject.logs import outputs
from proxyproject.redactors import Redactors
from tests.chaos import Cut, Stall, speech, stream, whole
from tests.house import ANTHROPIC_SECRET, CHAT, OPENAI_SECRET, House, provider, rule
from tests.rawclient import post
from usage.models import ClientKey, Team
from usage.transcripts.plain import shown
from usage.transcripts.secrets import SecretFilter

TEXT = "Write to ada@example.com or call +44 20 7946 0958."
ASKED = [{"role": "user", "content": TEXT}]
HIDDEN = "Write to <EMAIL_1> or call <PHONE_1>."

Keeping = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def keeping(opening: Any, directory: Path) -> Keeping:
    """Opens a house that keeps everything, but for what a test says."""

    @asynccontextmanager
    async def open_keeping(*changed: Any, **settings: Any) -> AsyncIterator[House]:
        told = {"LOG_BODIES": "full", "LOG_DIR": directory, **settings}
        async with opening(*changed, **told) as house:
            yield house

    return open_keeping


async def lines_of(house: House, directory: Path) -> list[dict[str, Any]]:
    """All that was kept so far."""
    await house.settled()
    await asyncio.to_thread(outputs().flush)
    file = directory / "transcripts.log"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def line_of(house: House, directory: Path) -> dict[str, Any]:
    [line] = await lines_of(house, directory)
    return line


async def test_it_has_the_ids_that_others_know_it_by(keeping: Keeping, directory: Path):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    ids = {"x-request-id": "mine", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with keeping() as house:
        answer = await house.client.post(
            CHAT, json={"model": "gpt-test", "messages": ASKED}, headers=ids
        )
        line = await line_of(house, directory)
    assert line["exchange_id"] == answer.headers["x-request-id"]
    assert (line["client_request_id"], line["trace_id"]) == ("mine", trace)


async def test_request_and_answer_are_kept_with_personal_data_replaced(
    keeping: Keeping, directory: Path
):
    async with keeping() as house:
        house.chaos.next(whole(speech.chat_body(f"As you said: {TEXT}")))
        response = await house.chat(messages=ASKED)
        line = await line_of(house, directory)
    assert TEXT in response.json()["choices"][0]["message"]["content"], (
        "the client gets it as it is"
    )
    assert line["request"]["messages"] == [{"role": "user", "content": HIDDEN}]
    assert line["response"]["choices"][0]["message"]["content"] == f"As you said: {HIDDEN}"
    assert line["redacted"] == {"EMAIL": 2, "PHONE": 2}
    assert line["exchange_id"] == response.headers["x-request-id"]
    assert (line["v"], line["level"], line["client_key"], line["rule"]) == (
        1,
        "full",
        "alice",
        "gpt",
    )
    assert (line["status"], line["outcome"], line["partial"]) == (200, "completed", False)
    assert line["tokens"] == {"input": 11, "output": 7, "cached_input": 0, "reasoning": 0}
    assert [attempt["reason"] for attempt in line["attempts"]] == ["ok"]
    assert line["upstream_request"] is None, "the provider got the client's own bytes"


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_stream_is_kept_as_the_message_that_it_means(
    keeping: Keeping, directory: Path, size: int
):
    events = b"".join(speech.chat_events(TEXT))
    async with keeping() as house:
        house.chaos.next(stream([events[i : i + size] for i in range(0, len(events), size)]))
        await house.chat(stream=True, messages=ASKED)
        line = await line_of(house, directory)
    assert line["response"]["object"] == "chat.completion"
    assert line["response"]["choices"][0]["message"]["content"] == HIDDEN
    assert line["response"]["choices"][0]["finish_reason"] == "stop"
    assert (line["stream"], line["partial"]) == (True, False)
    assert line["first_content_ms"] <= line["total_ms"]


async def test_a_translated_answer_is_kept_in_the_client_s_format_and_both_requests_are(
    keeping: Keeping, directory: Path, chaos
):
    providers = [provider("openai", chaos.openai_url, OPENAI_SECRET)]
    changed = {"providers": providers, "rules": [rule("all", "*", ["openai"])]}
    async with keeping(changed) as house:
        await house.message("gpt-test", stream=True, messages=ASKED)
        line = await line_of(house, directory)
    assert (line["client_format"], line["upstream_format"]) == ("anthropic.messages", "openai.chat")
    assert line["request"]["max_tokens"] == 100
    assert line["upstream_request"]["stream_options"] == {"include_usage": True}
    assert line["upstream_request"]["messages"][-1]["content"] == HIDDEN
    assert line["response"]["type"] == "message"
    assert line["response"]["content"][0]["text"] == speech.TEXT


@pytest.mark.parametrize("break_off", ["the provider breaks off", "the client leaves"])
async def test_what_was_said_before_the_end_is_kept_and_marked(
    keeping: Keeping, directory: Path, break_off: str
):
    events = speech.chat_events()[:4]
    async with keeping() as house:
        if break_off == "the provider breaks off":
            house.chaos.next(stream(events, then=[Cut()]))
            await house.chat(stream=True)
        else:
            house.chaos.next(stream(events, then=[Stall()]))
            client = await house.open_stream(CHAT)
            await client.reader.readuntil(b"\n\n")
            client.leave()
        line = await line_of(house, directory)
    said = line["response"]["choices"][0]["message"]["content"]
    assert said
    assert speech.TEXT.startswith(said)
    assert line["partial"] is True
    assert line["outcome"] in ("failed", "abandoned")


async def test_an_error_is_kept_as_the_client_was_told_of_it(keeping: Keeping, directory: Path):
    async with keeping() as house:
        house.chaos.next(whole(speech.chat_error("no such thing"), 400))
        response = await house.chat(stream=True)
        line = await line_of(house, directory)
    assert line["response"] == response.json()
    assert (line["status"], line["partial"]) == (400, False)


async def test_whatever_a_client_sends_one_line_stays_one_line_for_every_reader(
    keeping: Keeping, directory: Path
):
    strange = "a\x9b31m\x85b\u2028c\u2029d\u202ee\x7ff\ufeffg\U000e0041 café"
    body = json.dumps(
        {"model": "gpt-test", "user": strange, "messages": [{"role": "user", "content": strange}]},
        ensure_ascii=False,
    )
    async with keeping() as house:
        await house.say(post(CHAT, body.encode(), house.key))
        line = await line_of(house, directory)
    [text] = (directory / "transcripts.log").read_text().splitlines()
    assert "café" in text
    assert shown(text) == text, "no control character, nothing that turns the direction of text"
    assert line["request"] == json.loads(body)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{ "model" : "gpt-test", "messages": [ {"content": "\\u0041", "role": "user"} ]}', False),
        (
            '{"model": "gpt-test", "stream": true, "messages": [{"role": "user", "content": "A"}]}',
            True,
        ),
    ],
)
async def test_another_request_is_one_that_means_something_else(
    keeping: Keeping, directory: Path, body: str, kept: bool
):
    async with keeping() as house:
        if kept:
            house.chaos.next(stream(speech.chat_events()))
        await house.say(post(CHAT, body.encode(), house.key))
        line = await line_of(house, directory)
    assert (line["upstream_request"] is not None) is kept


async def test_metadata_alone_says_nothing_of_what_was_said(keeping: Keeping, directory: Path):
    async with keeping(LOG_BODIES="metadata") as house:
        await house.chat(messages=ASKED)
        line = await line_of(house, directory)
    assert line["level"] == "metadata"
    assert (line["request"], line["upstream_request"], line["response"]) == (None, None, None)
    assert line["total_ms"] > 0


async def test_nothing_is_kept_unless_somebody_wants_it(opening: Any, directory: Path):
    async with opening(LOG_DIR=directory) as house:
        await house.chat()
        assert await lines_of(house, directory) == []
        await house.change(lambda: _set(ClientKey.objects.get(), transcripts="full"))
        await house.chat()
        assert len(await lines_of(house, directory)) == 1
    assert (directory / "transcripts.log").stat().st_mode & 0o077 == 0, "nobody else may read it"


async def test_the_key_goes_before_the_team_and_the_team_before_the_rule(
    opening: Any, directory: Path, chaos
):
    rules = [rule("gpt", "gpt-*", ["openai"], transcripts="full", redaction="none")]
    providers = [provider("openai", chaos.openai_url, OPENAI_SECRET)]
    async with opening({"providers": providers, "rules": rules}, LOG_DIR=directory) as house:
        await house.chat(messages=ASKED)

        def join() -> None:
            key, team = ClientKey.objects.get(), Team.objects.create(name="red", transcripts="off")
            _set(key, team=team)

        await house.change(join)
        await house.chat(messages=ASKED)
        await house.change(
            lambda: _set(ClientKey.objects.get(), transcripts="full", redaction="EMAIL")
        )
        await house.chat(messages=ASKED)
        kept = await lines_of(house, directory)
    said = [line["request"]["messages"][0]["content"] for line in kept]
    assert said == [TEXT, "Write to <EMAIL_1> or call +44 20 7946 0958."]


async def test_of_a_share_about_so_many_are_kept(keeping: Keeping, directory: Path):
    async with keeping() as house:
        await house.change(lambda: _set(ClientKey.objects.get(), transcript_share=50))
        for _ in range(100):
            await house.chat()
        assert 20 < len(await lines_of(house, directory)) < 80


async def test_secrets_are_hidden_whatever_the_policy_says(keeping: Keeping, directory: Path):
    async with keeping(LOG_REDACT="none") as house:
        said = f"my key is {house.key}, theirs {OPENAI_SECRET} and {ANTHROPIC_SECRET}"
        house.chaos.next(whole(speech.chat_body(said)))
        await house.chat(messages=[{"role": "user", "content": said}], user=house.key)
        await house.settled()
        await asyncio.to_thread(outputs().flush)
    text = (directory / "transcripts.log").read_text()
    for secret in (house.key, OPENAI_SECRET, ANTHROPIC_SECRET):
        assert secret not in text
    assert "my key is [hidden]" in text


@pytest.mark.skipif(find_spec("spacy") is not None, reason="the extra is installed")
async def test_without_the_extra_the_log_says_that_names_are_not_hidden(
    keeping: Keeping, directory: Path, caplog: pytest.LogCaptureFixture
):
    async with keeping() as house:
        await house.chat(messages=ASKED)
        await house.change(lambda: _set(ClientKey.objects.get(), redaction="EMAIL,PEOPLE"))
        await house.chat(messages=ASKED)
        assert len(await lines_of(house, directory)) == 2
    told = [said for said in caplog.messages if "names and places are not hidden" in said]
    assert len(told) == 1
    assert "pip install" in told[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_of_several_workers_the_first_says_it_for_all(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any, workers: int
):
    settings.VAR_DIR = tmp_path
    if workers > 1:
        (tmp_path / "metrics" / "8000").mkdir(parents=True)
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics" / "8000"))
    for _ in range(workers):
        Redactors(SecretFilter(), "no_such_model")(frozenset(("PEOPLE",)), ())
        Redactors(SecretFilter(), "no_such_model")(frozenset(("EMAIL",)), ())
    told = [said for said in caplog.messages if "names and places are not hidden" in said]
    assert len(told) == 1


async def test_the_model_that_is_chosen_finds_names_where_the_extra_is_installed(
    keeping: Keeping, directory: Path, tmp_path: Path
):
    spacy = pytest.importorskip("spacy", reason="the extra requirements-nlp.in is not installed")
    language = spacy.blank("en")
    language.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada"}])
    language.to_disk(tmp_path / "model")
    async with keeping(LOG_REDACT_MODEL=str(tmp_path / "model")) as house:
        await house.chat(messages=[{"role": "user", "content": "I am Ada"}])
        line = await line_of(house, directory)
    assert line["request"]["messages"][0]["content"] == "I am <PERSON_1>"


async def test_what_no_rule_was_found_for_is_not_kept(keeping: Keeping, directory: Path):
    async with keeping() as house:
        await house.chat(messages=ASKED)
        body = json.dumps({"model": "gpt-test", "messages": ASKED, "stream": "maybe"}).encode()
        answer = await house.say(post(CHAT, body, house.key))
        assert answer.status == 400
        assert len(await lines_of(house, directory)) == 1


async def test_of_many_at_once_each_is_kept_once(keeping: Keeping, directory: Path):
    async with keeping() as house:
        await asyncio.gather(*(house.chat(messages=ASKED) for _ in range(50)))
        kept = await lines_of(house, directory)
    assert len({line["exchange_id"] for line in kept}) == 50


def _set(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
