"""Who is in front of a page."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from catalog.accounts import artist_of
from catalog.models import Artist


def artist_in(request: HttpRequest) -> Artist:
    """The artist of a view behind `login_required`."""
    user = request.user
    if isinstance(user, AnonymousUser):
        raise PermissionDenied
    return artist_of(user)
