from __future__ import annotations

from django.urls import path

from generation.consumers import ActivitySocket, AdapterSocket, GenerationSocket

sockets = [
    path("ws/generations/<str:generation_id>/", GenerationSocket.as_asgi()),
    path("ws/adapters/<str:adapter_id>/", AdapterSocket.as_asgi()),
    path("ws/activity/", ActivitySocket.as_asgi()),
]
