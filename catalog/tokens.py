"""`Authorization: Token sf_…`: scripts sign in with a named, revocable key of which only the hash is kept."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from catalog import security
from catalog.accounts import digest
from catalog.models import AccessToken
from catalog.problems import Problem

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KEYWORD = "Token"
KEYWORDS = (b"token", b"bearer")  # other tools' clients send the second
LONGEST_KEY = 200
READING = ("get", "head", "options")
USE_IS_NOTED_EVERY = timedelta(minutes=1)
REFUSED = "This token is not valid: it was mistyped or revoked. Make a new one at /account/."


def note_use(token: AccessToken) -> None:
    """Remember when the token was last used: one write a minute at most, however many requests come."""
    now, first = timezone.now(), token.last_used_at is None
    if token.last_used_at is None or token.last_used_at < now - USE_IS_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
        if AccessToken.objects.filter(stale, pk=token.pk).update(last_used_at=now) and first:
            security.record(security.Kind.TOKEN_USED, token.artist.user, detail=token.name)


def check_scope(token: AccessToken, request: Request) -> None:
    """Refuse what the token was not made for; here, so that no view can forget to. Raises Problem.

    Reading needs `read`, every other method `write`, unless the view says otherwise for one of its methods:
    `scopes = {"post": "make"}`.
    """
    method = (request.method or "").lower()
    view = (request.parser_context or {}).get("view")
    usual = AccessToken.Scope.READ if method in READING else AccessToken.Scope.WRITE
    needed = getattr(view, "scopes", {}).get(method, usual)
    order = AccessToken.Scope.values
    if order.index(token.scope) < order.index(needed):
        raise Problem(
            403,
            "token-scope",
            f"This token may do this: {token.get_scope_display().lower()}. What you ask needs one with "
            f"“{AccessToken.Scope(needed).label}”. Make it at /account/.",
            title="The token does not allow it",
            scope=token.scope,
            needed=needed,
        )


class TokenAuthentication(BaseAuthentication):
    """DRF authentication. `request.user` becomes the artist's user, `request.auth` the AccessToken."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() not in KEYWORDS:
            return None
        if len(words) != 2 or len(words[1]) > LONGEST_KEY:
            raise AuthenticationFailed("Write the header as Authorization: Token sf_… with nothing after it.")
        try:
            key = words[1].decode("ascii")
        except UnicodeDecodeError:
            raise AuthenticationFailed(REFUSED) from None
        wanted = digest(key)
        token = (
            AccessToken.objects.select_related("artist__user").filter(digest=wanted, revoked_at=None).first()
        )
        # The database finds a hash, not the key, so its timing tells nothing about keys; the comparison of
        # what it found still takes the same time for every answer.
        if token is None or not hmac.compare_digest(token.digest, wanted):
            raise AuthenticationFailed(REFUSED)
        user: User = token.artist.user
        if not user.is_active:
            raise AuthenticationFailed("This account is closed.")
        check_scope(token, request)
        note_use(token)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD
