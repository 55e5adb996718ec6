"""The NinjaAPI: every client path, with its OpenAPI documents."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI

from proxyproject.access import trusted_only
from routing.views import router


class ClientApi(NinjaAPI):
    """Ninja without what client paths do not need.

    They answer through the door, so no temporary response is made; and what they raise is the
    door's to render, in the client's own format.
    """

    def create_temporal_response(self, request: HttpRequest) -> Any:
        return None

    def set_default_exception_handlers(self) -> None:
        """None: an exception goes on to the door."""


api = ClientApi(
    title="Patchbay",
    version="1",
    description="One endpoint for every model. Authenticate with a client key (pbk_…).",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
    docs_decorator=trusted_only,
)
api.add_router("", router)
