"""The admin's style sheets and scripts, collected or not."""

from __future__ import annotations

from pathlib import Path

from tests.server.process import running


async def test_the_admin_has_its_style_where_nothing_was_collected(chaos, database: Path):
    async with running(chaos, database) as gateway:
        style = await gateway.get("/static/patchbay/patchbay.css")
        page = await gateway.get("/admin/login/", accept="text/html")
    assert (style.status, page.status) == (200, 200)
    assert style.headers["content-type"].startswith("text/css")
    assert "No directory" not in gateway.output
    assert "Warning" not in gateway.output
