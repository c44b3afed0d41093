"""How often an artist may ask the API: as their plan says (generation.allowance), else as the installation does."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

from catalog.models import AccessToken, Artist
from generation import allowance


class PlanThrottle(UserRateThrottle):
    """Counted by artist, whatever token or session asks. Without an account: by address, the general rate."""

    def allow_request(self, request: Request, view: Any) -> bool:
        artist = asking(request)
        if artist is not None and (rate := allowance.of(artist).requests):
            self.rate = rate
            self.num_requests, self.duration = self.parse_rate(rate)
        return super().allow_request(request, view)


def asking(request: Request) -> Artist | None:
    if isinstance(request.auth, AccessToken):
        return request.auth.artist
    if not request.user.is_authenticated:
        return None
    return Artist.objects.filter(user=request.user).only("plan").first()
