"""In production the metrics and the API documents exist for those alone who were let in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.house import House

PAGES = ("/metrics", "/api/docs", "/api/openapi.json")
TOKEN = "a-token-for-the-scraper"
ELSEWHERE = "203.0.113.7"
PROXY = "127.0.0.1"
"""All tests call from here; where it is a trusted proxy, the client is whom it names."""


async def get(house: House, path: str, **headers: str) -> httpx.Response:
    """Ask without the client key, which is no token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
        return await client.get(path, headers=named)


@pytest.fixture
def production(opening) -> Any:
    def open_production(**settings: Any) -> Any:
        return opening(PRODUCTION=True, **settings)

    return open_production


@pytest.mark.parametrize("path", PAGES)
async def test_a_stranger_is_told_that_there_is_no_such_page(production, path):
    async with production(TRUSTED_PROXIES=[PROXY]) as house:
        assert (await get(house, path, x_forwarded_for=ELSEWHERE)).status_code == 404
        assert (await house.client.get(path)).status_code == 404  # a client key is no token


@pytest.mark.parametrize("path", PAGES)
async def test_in_development_everybody_sees_them(opening, path):
    async with opening(TRUSTED_PROXIES=[PROXY]) as house:
        assert (await get(house, path, x_forwarded_for=ELSEWHERE)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_who_calls_from_the_machine_itself_is_let_in(production, path):
    async with production() as house:
        assert (await get(house, path)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_the_token_opens_them_from_anywhere(production, path):
    async with production(TRUSTED_PROXIES=[PROXY], METRICS_TOKEN=TOKEN) as house:
        stranger = {"x_forwarded_for": ELSEWHERE}
        answer = await get(house, path, authorization=f"Bearer {TOKEN}", **stranger)
        assert answer.status_code == 200
        for wrong in (f"Bearer {TOKEN}x", "Bearer", "", f"Basic {TOKEN}"):
            answer = await get(house, path, authorization=wrong, **stranger)
            assert answer.status_code == 404, wrong


async def test_no_token_is_not_the_empty_token(production):
    async with production(TRUSTED_PROXIES=[PROXY]) as house:
        answer = await get(house, "/metrics", authorization="", x_forwarded_for=ELSEWHERE)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        (ELSEWHERE, 200),
        ("203.0.113.8", 404),
        ("2001:db8::17", 200),
        ("2001:db9::17", 404),
        (f"{ELSEWHERE}, 198.51.100.9", 404),  # the last one is who called the proxy
        (f"198.51.100.9, {ELSEWHERE}", 404),  # a proxy that nobody told us of; who called it?
        (f"{ELSEWHERE}, 10.1.2.3", 200),
        (f"{ELSEWHERE}, 10.1.2.3, 10.1.2.4", 200),
        ("10.1.2.3", 404),
        (f"{ELSEWHERE}:5123", 404),
        ("unknown", 404),
        ("", 404),
    ],
)
async def test_addresses_that_were_let_in_are_seen_through_trusted_proxies(
    production, forwarded, status
):
    async with production(
        TRUSTED_PROXIES=[PROXY, "10.0.0.0/8"], METRICS_ALLOW=[f"{ELSEWHERE}/32", "2001:db8::/32"]
    ) as house:
        assert (await get(house, "/metrics", x_forwarded_for=forwarded)).status_code == status


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]], ids=["none is known", "another is known"])
@pytest.mark.parametrize("forwarded", [ELSEWHERE, "127.0.0.1", "10.1.2.3", "unknown"])
async def test_behind_a_proxy_that_is_not_known_nobody_is_taken_for_the_machine_itself(
    production, trusted, forwarded
):
    """It calls from loopback, for whomever."""
    async with production(TRUSTED_PROXIES=trusted, METRICS_ALLOW=[ELSEWHERE]) as house:
        assert (await get(house, "/metrics", x_forwarded_for=forwarded)).status_code == 404
