"""HTTP and sockets."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "starforge_site.settings")

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from daphne import http_protocol

from generation.routing import sockets
from starforge_site.bodies import BoundedRequest
from starforge_site.observing import CountedSockets

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": CountedSockets(AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(sockets)))),
    }
)

http_protocol.WebRequest = BoundedRequest
