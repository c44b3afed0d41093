"""Where this site is, as people outside it would type it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> str:
    """Its public address, without a slash at the end; the one it was asked under where none is set."""
    return str(settings.STARFORGE_PUBLIC_URL) or f"{request.scheme}://{request.get_host()}"
