from __future__ import annotations

from django.urls import path

from generation.consumers import ActivitySocket, AdapterSocket, GenerationSocket

sockets = [
    path("ws/generations/<str:pk>/", GenerationSocket.as_asgi()),
    path("ws/adapters/<str:pk>/", AdapterSocket.as_asgi()),
    path("ws/activity/", ActivitySocket.as_asgi()),
]
