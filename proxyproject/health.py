"""The health page: django-health-check's view over the same checks as the readiness probe."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Executor
from typing import Any

from django.http import HttpRequest, HttpResponse
from health_check.base import HealthCheck, HealthCheckResult
from health_check.exceptions import ServiceUnavailable
from health_check.views import HealthCheckView


@dataclasses.dataclass(repr=False)
class GatewayCheck(HealthCheck):
    """One check of the running worker; its state was looked up when the page was asked for."""

    name: str
    ok: bool = dataclasses.field(repr=False, default=True)
    text: str = dataclasses.field(repr=False, default="")

    def __repr__(self) -> str:
        """The page's own name for it, and the key in its JSON."""
        return self.name

    async def run(self) -> None:
        if not self.ok:
            raise ServiceUnavailable(self.text)  # type: ignore[no-untyped-call]

    async def get_result(self, executor: Executor | None = None) -> HealthCheckResult:
        """The base would log a traceback each time; whoever found the trouble has told it already."""
        error = None
        try:
            await self.run()
        except ServiceUnavailable as unavailable:
            error = unavailable
        return HealthCheckResult(check=self, error=error, time_taken=0.0)


class HealthPage(HealthCheckView):
    """503 where something fails; a check that only degrades is listed as well and fails the page."""

    async def get(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        runtime = getattr(request, "scope", {}).get("state", {}).get("runtime")
        if runtime is None:
            found = [(GatewayCheck, {"name": "runtime", "ok": False, "text": "not started yet"})]
        else:
            found = [
                (GatewayCheck, {"name": check.name, "ok": check.ok, "text": check.text})
                for check in runtime.checks()
            ]
        self.checks = found
        response: HttpResponse = await super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        if response.status_code == 500:
            response.status_code = 503
        return response
