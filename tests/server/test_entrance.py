"""Which door a request is led to."""

from __future__ import annotations

import pytest

PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/v1/nothing", "/chat/completions", "/api", "/v2/models"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_path_is_json_to_a_program(path, method, house):
    answer = await house.client.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_path"
    assert len(answer.headers["x-request-id"]) == 36


async def test_an_unknown_path_is_a_page_to_a_browser(house):
    answer = await house.client.get("/nothing", headers=PAGE)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_an_unknown_client_path_is_json_even_to_a_browser(house):
    answer = await house.client.get("/v1/nothing", headers=PAGE)
    assert answer.json()["error"]["code"] == "unknown_path"


async def test_the_admin_is_django_with_and_without_its_slash(house):
    answer = await house.client.get("/admin")
    assert (answer.status_code, answer.headers["location"]) == (301, "/admin/")
    answer = await house.client.get("/admin/")
    assert answer.headers["location"].startswith("/admin/login/")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_answer(path, house):
    assert (await house.client.get(path)).status_code == 200


async def test_the_health_page_knows_the_running_worker(house):
    page = await house.client.get("/healthz?format=json")
    assert page.status_code == 200
    checks = ("draining", "snapshot", "journal", "database", "log")
    assert page.json() == dict.fromkeys(checks, "OK")
