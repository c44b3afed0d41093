"""What happened to accounts: signs of life, changes of rights, attempts. Its owner sees it, and staff read it.

The verbs record what they do, whether a page, a script or a command asked; who asked, and from where, is known
by the request in whose course it happens (`during`, set by starforge_site.middleware).
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.throttling import BaseThrottle

from catalog import rates
from catalog.clocks import Clock
from catalog.models import SecurityEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = SecurityEvent.Kind
SWEEP_EVERY = 3600.0

_asking: ContextVar[HttpRequest | None] = ContextVar("asking", default=None)
_swept = Clock()


@contextmanager
def during(request: HttpRequest) -> Iterator[None]:
    """What is recorded inside was asked for by this request."""
    token = _asking.set(request)
    try:
        yield
    finally:
        _asking.reset(token)


def record(kind: SecurityEvent.Kind, user: User | None, *, detail: str = "", subject: str = "") -> None:
    """Write one event down. user: whose account; None where there is none. subject: as `subject_of` writes it."""
    request = _asking.get()
    actor = getattr(request, "user", None)
    by = ""
    if actor is not None and actor.is_authenticated and (user is None or actor.pk != user.pk):
        by = actor.get_username()
    SecurityEvent.objects.create(
        user=user,
        subject=subject,
        kind=kind,
        detail=_plain(detail),
        by=by,
        address=address_of(request),
        agent=_plain(request.headers.get("User-Agent", "")) if request is not None else "",
    )


def _plain(words: str) -> str:
    return "".join(one if one.isprintable() else " " for one in words)[:200].strip()


def address_of(request: HttpRequest | None) -> str | None:
    """The address a request came from, as the throttles count it; None where there is none."""
    if request is None:
        return None
    said = BaseThrottle().get_ident(request) or ""  # type: ignore[arg-type]  # it reads META only
    try:
        return str(ipaddress.ip_address(said.strip()))
    except ValueError:
        return None


def subject_of(name: str) -> str:
    """A name somebody tried to sign in with, so that attempts can be counted and the name is not kept.

    It may be nobody's name, or a password typed into the wrong field.
    """
    return salted_hmac("catalog.security", name).hexdigest()


def must_wait(name: str) -> int:
    """Seconds until a password may be tried on this account again from here; 0 within STARFORGE_RATE_ACCOUNT.

    Guesses are counted by account, from all addresses together: many addresses guess no faster than one. From
    an address where the owner has signed in before, only its own wrong passwords count, so that guessing
    elsewhere locks nobody out. Names that nobody has are counted alike: nothing here tells which exist.
    """
    most, seconds = rates.parsed(settings.STARFORGE_RATE_ACCOUNT)
    subject, now = subject_of(name), timezone.now()
    since = now - timedelta(seconds=seconds)
    address = address_of(_asking.get())
    wrong = SecurityEvent.objects.filter(subject=subject, kind=Kind.SIGN_IN_FAILED, at__gt=since)
    times = list(wrong.order_by("-at").values_list("at", "address")[: 20 * most])
    if len(times) >= most and address is not None:
        homes = SecurityEvent.objects.filter(subject=subject, kind=Kind.SIGNED_IN, address=address)
        if homes.exists():
            times = [(at, where) for at, where in times if where == address]
    if len(times) < most:
        return 0
    if not SecurityEvent.objects.filter(subject=subject, kind=Kind.SIGN_IN_SLOWED, at__gt=since).exists():
        record(Kind.SIGN_IN_SLOWED, _named(name), subject=subject)
    return max(1, math.ceil((times[most - 1][0] - since).total_seconds()))


def _named(name: str) -> User | None:
    model = get_user_model()
    return None if "\0" in name else model.objects.filter(**{model.USERNAME_FIELD: name}).first()


def wrong_password(name: str) -> None:
    record(Kind.SIGN_IN_FAILED, _named(name), subject=subject_of(name))


def signed_in(user: User) -> None:
    record(Kind.SIGNED_IN, user, subject=subject_of(user.get_username()))


def of(user: User) -> QuerySet[SecurityEvent]:
    """What happened to this account, newest first."""
    return SecurityEvent.objects.filter(user=user)


def recover() -> int:
    """Forget what is older than STARFORGE_SECURITY_DAYS; looked at once an hour. Returns how many went."""
    return forget() if _swept.due(SWEEP_EVERY) else 0


def forget() -> int:
    before = timezone.now() - timedelta(days=settings.STARFORGE_SECURITY_DAYS)
    return SecurityEvent.objects.filter(at__lt=before).delete()[0]
