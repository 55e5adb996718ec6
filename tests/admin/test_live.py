"""What is saved in the admin holds from the next request on, without a restart."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from providers.models import Deployment
from tests.admin.pages import submit
from tests.house import House
from usage.models import ClientKey


def operator() -> Client:
    user, _ = User.objects.get_or_create(username="olga", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    return client


async def test_a_rule_takes_the_next_request(house: House):
    assert (await house.chat("fresh-model")).status_code == 404

    def add_rule() -> None:
        target = str(Deployment.objects.get(provider__name="openai").pk)
        changed = {"name": "fresh", "match_model": "fresh-*", "targets-0-deployment": target}
        path = "/admin/patchbay_routing/rule/add/"
        assert submit(operator(), path, "rule", **changed).status_code == 302

    await house.change(add_rule)
    assert (await house.chat("fresh-model")).status_code == 200


async def test_a_revoked_key_is_refused_and_a_rotated_one_ends(house: House):
    assert (await house.chat()).status_code == 200

    def revoke() -> None:
        key = ClientKey.objects.get(name="alice")
        path = f"/admin/patchbay_usage/clientkey/{key.pk}/revoke/"
        assert operator().post(path, {"name": "alice"}).status_code == 302

    await house.change(revoke)
    answer = await house.chat()
    assert answer.status_code == 401
    assert "revoked" in answer.text


async def test_a_limit_counts_from_the_next_request(house: House):
    def limit() -> None:
        key = ClientKey.objects.get(name="alice")
        path = f"/admin/patchbay_usage/clientkey/{key.pk}/change/"
        rows = {
            "quotas-TOTAL_FORMS": "1",
            "quotas-0-metric": "requests",
            "quotas-0-window": "month",
            "quotas-0-amount": "1",
        }
        assert submit(operator(), path, "clientkey", **rows).status_code == 302

    await house.change(limit)
    assert [(await house.chat()).status_code for _ in range(2)] == [200, 429]


async def test_the_record_of_a_request_has_a_page(house: House):
    await house.chat()
    record = await house.record()

    def look() -> None:
        path = f"/admin/patchbay_usage/usagerecord/{record['exchange_id']}/change/"
        page = operator().get(path)
        assert page.status_code == 200
        for words in (b"gpt-test", b"Answered", b"openai", b"alice"):
            assert words in page.content

    await house.change(look)
