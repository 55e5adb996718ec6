"""Which door? Client paths and probes go to the lean one, the rest to Django or Channels.

The only module that servers import. It holds no logic of a request.
"""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proxyproject.settings")

django_application = get_asgi_application()  # sets Django up, which what follows needs

from proxyproject.consumers import LiveConsumer, NobodyListens  # noqa: E402
from proxyproject.entrance import Entrance  # noqa: E402

entrance = Entrance(django_application)

application = ProtocolTypeRouter(
    {
        "http": entrance.http,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter(
                    [
                        path("ws/live", LiveConsumer.as_asgi(entrance=entrance)),
                        re_path("", NobodyListens.as_asgi()),
                    ]
                )
            )
        ),
        "lifespan": entrance.lifespan,
    }
)
