"""People: sign-up, the artist behind a user, access tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from catalog import security
from catalog.models import AccessToken, Artist

CONSENTS = ("training", "derivative", "remix")

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def create_artist(
    *, username: str, password: str, name: str = "", email: str = "", is_demo: bool = False
) -> Artist:
    """A user with their artist. Raises ValidationError (taken name, weak password) and creates nothing then."""
    model = get_user_model()
    user = model(username=username, email=email)
    with transaction.atomic():
        user.full_clean(exclude=["password"])
        if not is_demo:  # the demo's well-known password exists on loopback only
            validate_password(password, user)
        user.set_password(password)
        user.save()
        artist = Artist.objects.create(
            user=user, name=name.strip() or username, is_demo=is_demo, plan=settings.STARFORGE_PLAN
        )
        security.record(security.Kind.SIGNED_UP, user)
        return artist


def artist_of(user: User) -> Artist:
    """The artist of a signed-in user; made on first need for users created by `createsuperuser`."""
    artist, _ = Artist.objects.get_or_create(
        user=user, defaults={"name": user.get_username(), "plan": settings.STARFORGE_PLAN}
    )
    return artist


def catalog_id_of(artist: Artist) -> str:
    """The catalog's public name in certificates: always the same, and nothing anybody could log in with."""
    named = hashlib.sha256(f"starforge:{artist.pk}:{artist.created_at.isoformat()}".encode())
    return f"catalog_{named.hexdigest()[:16]}"


def declare_rights(artist: Artist, *, statement: str) -> None:
    """Record what the artist declares about the recordings they upload, and when."""
    Artist.objects.filter(pk=artist.pk).update(
        rights_statement=statement.strip(), rights_declared_at=timezone.now()
    )
    security.record(security.Kind.RIGHTS_DECLARED, artist.user)


def consents(artist: Artist) -> dict[str, bool]:
    """What the artist allows others to do with what is made from now on. Silence is a no."""
    said = artist.settings.get("consent")
    return {name: bool(isinstance(said, dict) and said.get(name) is True) for name in CONSENTS}


def consent(artist: Artist, allowed: Iterable[str]) -> None:
    """Record what the artist allows, of CONSENTS. Certificates signed before keep what they say."""
    wanted, before = set(allowed), consents(artist)
    _set(artist, "consent", {name: name in wanted for name in CONSENTS})
    if (now := consents(artist)) != before:
        words = ", ".join(name for name, yes in now.items() if yes) or "nothing"
        security.record(security.Kind.CONSENT_CHANGED, artist.user, detail=f"allowed: {words}")


def rights_of(artist: Artist) -> dict[str, str]:
    """The consents as a statement says them: granted or not granted."""
    return {name: "granted" if yes else "not granted" for name, yes in consents(artist).items()}


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue_token(
    artist: Artist, *, name: str, scope: str = AccessToken.Scope.WRITE
) -> tuple[AccessToken, str]:
    """A new token and its key. The key is shown once: only its hash is kept."""
    if scope not in AccessToken.Scope.values:
        raise ValidationError({"scope": "Choose what the token may do."})
    name = name.strip()[:80]
    if not name:
        raise ValidationError({"name": "Give the token a name, so that you know later what uses it."})
    if "\0" in name:
        raise ValidationError({"name": "The name has a character that cannot be kept. Type it again."})
    key = "sf_" + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = AccessToken.objects.create(
            artist=artist, name=name, prefix=key[:8], digest=digest(key), scope=scope
        )
        security.record(
            security.Kind.TOKEN_MADE, artist.user, detail=f"{name}: {token.get_scope_display().lower()}"
        )
    return token, key


def revoke_token(token: AccessToken) -> bool:
    with transaction.atomic():
        rows = AccessToken.objects.filter(pk=token.pk, revoked_at=None)
        done = bool(rows.update(revoked_at=timezone.now()))
        if done:
            security.record(security.Kind.TOKEN_REVOKED, token.artist.user, detail=token.name)
    return done


def wants_watermark(artist: Artist) -> bool:
    """Whether takes are marked when a request does not say: yes, unless the artist chose otherwise."""
    return bool(artist.settings.get("watermark", True))


def choose_watermark(artist: Artist, wanted: bool) -> None:
    """The artist's choice for takes from now on."""
    _set(artist, "watermark", wanted)


def _set(artist: Artist, name: str, value: Any) -> None:
    """One of the artist's settings; what others change at the same moment stays."""
    with transaction.atomic():
        row = Artist.objects.select_for_update().get(pk=artist.pk)
        row.settings[name] = value
        row.save(update_fields=["settings"])
    artist.settings = row.settings
