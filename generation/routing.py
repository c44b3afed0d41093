from __future__ import annotations

from django.urls import path

from generation.consumers import ActivitySocket, GenerationSocket

sockets = [
    path("ws/generations/<str:generation_id>/", GenerationSocket.as_asgi()),
    path("ws/activity/", ActivitySocket.as_asgi()),
]
