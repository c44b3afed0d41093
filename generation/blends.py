"""Two artists agree to blend: invitation, answer, what each may see of the other, withdrawal. Every step is logged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import security
from catalog.accounts import catalog_id_of
from catalog.models import Artist
from generation.blend_models import Blend, BlendConsent, BlendQuerySet, BlendStep, invitation_key
from provenance.canonical import canonical
from provenance.statement import utc_text

if TYPE_CHECKING:
    from generation.models import GeneratedTrack

STATEMENT = (
    "Either of us may make takes from the recordings and the Audio DNA of both, in any share, until one of us "
    "withdraws. My recordings, which are mine to give, are heard only inside such takes. Their certificates name me, "
    "the hash of my catalog and that of my DNA. A take belongs to whoever made it. When I withdraw, nothing new is "
    "made; finished takes stay, and their certificates stay true."
)
DAYS = (1, 7, 30)
# What the owner of the account reads among their security events.
_CHANGES = {
    BlendStep.Step.INVITED: "given",
    BlendStep.Step.ACCEPTED: "given",
    BlendStep.Step.ALLOWED: "what they see changed",
    BlendStep.Step.TAKEN_BACK: "withdrawn",
    BlendStep.Step.WITHDRAWN: "withdrawn",
}
MOST = 20  # invitations of one artist that wait at once


class CannotInvite(Exception):
    """The message is for the artist."""


class CannotAnswer(Exception):
    """The invitation is answered already, or over; the message is for the artist."""


@dataclass(frozen=True)
class Allowed:
    """How much one of the two lets the other see.

    titles: of their recordings that a take is built from. hears: the takes they make with the other.
    """

    titles: bool = False
    hears: bool = True


def of(artist: Artist) -> BlendQuerySet:
    """All blends the artist may see: those they are one of the two in."""
    return Blend.objects.of(artist).select_related("inviter", "invited")


def with_others(artist: Artist) -> Sequence[Blend]:
    """Those that stand, by the partner's name."""
    rows = of(artist).standing().prefetch_related("consents")
    return sorted(rows, key=lambda one: (_name(one.partner_of(artist)).lower(), one.pk))


def invite(artist: Artist, to: str = "", *, days: int = 7, allowed: Allowed | None = None) -> Blend:
    """An invitation to the account of this name or e-mail address; without one, by a link that works once.

    Nobody learns from it whether there is such an account: an invitation to nobody waits until it expires.
    Raises CannotInvite.
    """
    to = to.strip()[:254]
    if Blend.objects.filter(inviter=artist).waiting().count() >= MOST:
        raise CannotInvite(f"{MOST} invitations of yours wait for an answer. Take one back first.")
    if to and to.lower() in {artist.user.get_username().lower(), artist.user.email.lower()}:
        raise CannotInvite("That is you. Write the account name or the e-mail address of another artist.")
    allowed = allowed or Allowed()
    with transaction.atomic():
        blend = Blend.objects.create(
            inviter=artist,
            invited=_meant(to) if to else None,
            addressed=to,
            key=None if to else invitation_key(),
            expires_at=timezone.now() + timedelta(days=days),
        )
        _consents(blend, artist, allowed, BlendStep.Step.INVITED)
    return blend


def _meant(to: str) -> Artist | None:
    """The artist of this account name, or of this e-mail address where only one account has it."""
    model = get_user_model()
    users = list(model.objects.filter(username__iexact=to, is_active=True)[:2])
    if not users and "@" in to:
        users = list(model.objects.filter(email__iexact=to, is_active=True)[:2])
    return getattr(users[0], "artist", None) if len(users) == 1 else None


def _consents(blend: Blend, artist: Artist, allowed: Allowed, step: BlendStep.Step) -> None:
    BlendConsent.objects.create(
        blend=blend, artist=artist, statement=STATEMENT, titles=allowed.titles, hears=allowed.hears
    )
    _log(blend, artist, step, allowed)


def _log(blend: Blend, artist: Artist | None, step: BlendStep.Step, allowed: Allowed | None = None) -> None:
    seen = {} if allowed is None else {"titles": allowed.titles, "hears": allowed.hears}
    BlendStep.objects.create(blend=blend, artist=artist, step=step, **seen)
    if artist is not None and step in _CHANGES:
        whom = _whom(blend, artist)
        security.record(
            security.Kind.CONSENT_CHANGED, artist.user, detail=f"blending with {whom}: {_CHANGES[step]}"
        )


def _whom(blend: Blend, artist: Artist) -> str:
    """The other one, as far as this artist knows them: an invitation tells nobody whom it reached."""
    if blend.accepted_at is None and blend.inviter_id == artist.pk:
        return blend.addressed or "whoever has the link"
    return _name(blend.partner_of(artist))


def found(key: str) -> Blend | None:
    """The invitation of this link while it waits. None: there never was one, or it is over; nobody learns which."""
    return Blend.objects.waiting().filter(key=key).select_related("inviter", "invited").first()


def invitations(artist: Artist) -> BlendQuerySet:
    """Those that wait for this artist's answer."""
    return Blend.objects.waiting().filter(invited=artist).select_related("inviter")


def accept(blend: Blend, artist: Artist, allowed: Allowed | None = None) -> Blend:
    """The artist agrees: from now on either may blend. Raises CannotAnswer."""
    try:
        with transaction.atomic():
            row = _answered_by(blend, artist)
            row.invited, row.accepted_at, row.key = artist, timezone.now(), None
            row.pair = _pair(row)
            row.save(update_fields=["invited", "accepted_at", "key", "pair"])
            _consents(row, artist, allowed or Allowed(), BlendStep.Step.ACCEPTED)
    except IntegrityError:
        raise CannotAnswer(f"You and {_name(blend.inviter)} can blend already.") from None
    return row


def decline(blend: Blend, artist: Artist) -> None:
    """Raises CannotAnswer."""
    with transaction.atomic():
        row = _answered_by(blend, artist)
        row.invited = artist
        _end(row, artist, Blend.Ending.DECLINED, BlendStep.Step.DECLINED)


def _answered_by(blend: Blend, artist: Artist) -> Blend:
    """The row, locked, where this artist may answer it now."""
    row = Blend.objects.select_for_update().filter(pk=blend.pk).first()
    if row is None or not row.waits:
        raise CannotAnswer("This invitation was answered, taken back, or is too old. Ask for a new one.")
    if row.inviter_id == artist.pk:
        raise CannotAnswer("This invitation is your own. Send the link to the artist it is for.")
    if row.invited_id not in (None, artist.pk) or (row.invited_id is None and row.key is None):
        raise CannotAnswer("This invitation is for somebody else.")
    return row


def withdraw(blend: Blend, artist: Artist) -> bool:
    """Either side ends it; an invitation is taken back by who sent it. False when it had ended before.

    No blend is made from then on, and one that is being made stops at its next stage. Finished takes stay.
    """
    with transaction.atomic():
        row = Blend.objects.select_for_update().filter(pk=blend.pk).first()
        if row is None or row.ended_at is not None:
            return False
        if row.stands:
            _end(row, artist, Blend.Ending.WITHDRAWN, BlendStep.Step.WITHDRAWN)
        elif row.inviter_id == artist.pk:
            _end(row, artist, Blend.Ending.TAKEN_BACK, BlendStep.Step.TAKEN_BACK)
        else:
            _end(row, artist, Blend.Ending.DECLINED, BlendStep.Step.DECLINED)
    return True


def _end(row: Blend, artist: Artist | None, ending: Blend.Ending, step: BlendStep.Step) -> None:
    row.ended_at, row.ending, row.pair, row.key = timezone.now(), ending, None, None
    row.save(update_fields=["invited", "ended_at", "ending", "pair", "key"])
    _log(row, artist, step)


def allow(blend: Blend, artist: Artist, allowed: Allowed) -> None:
    """Change what the other may see of this artist, from now on."""
    with transaction.atomic():
        rows = BlendConsent.objects.filter(blend=blend, artist=artist)
        same = rows.filter(titles=allowed.titles, hears=allowed.hears).exists()
        if not same and rows.update(titles=allowed.titles, hears=allowed.hears):
            _log(blend, artist, BlendStep.Step.ALLOWED, allowed)


def consent_of(blend: Blend, artist: Artist | None) -> BlendConsent | None:
    """What this artist agreed to in it. Wants `consents` prefetched where many are asked for."""
    if artist is None:
        return None
    return next((one for one in blend.consents.all() if one.artist_id == artist.pk), None)


def consent_sha256(consent: BlendConsent, artist: Artist) -> str:
    """The hash that certificates name a consent by: whoever knows its parts can check it."""
    known = {
        "catalog_id": catalog_id_of(artist),
        "blend": consent.blend_id,
        "statement": consent.statement,
        "given_at": utc_text(consent.given_at),
    }
    return hashlib.sha256(canonical(known)).hexdigest()


def made_with(artist: Artist) -> QuerySet[GeneratedTrack]:
    """Takes that others made with this artist, newest first, also where the agreement has ended since."""
    from generation.models import GeneratedTrack  # it stands above this module

    takes = GeneratedTrack.objects.filter(generation__blend__in=Blend.objects.of(artist))
    takes = takes.exclude(generation__artist=artist).select_related("generation__artist", "certificate")
    return takes.order_by("-created_at", "id")


def heard_by(take: GeneratedTrack, artist: Artist) -> bool:
    """Whether the other one of a take of two hears it, as who made it allows."""
    row = take.generation.blend
    consent = consent_of(row, take.generation.artist) if row else None
    return consent is not None and consent.hears


def artist_goes(sender: type[Artist], instance: Artist, **_: object) -> None:
    """Before an artist is deleted, by whatever way: their blends end. The other's record of them stays."""
    with transaction.atomic():
        rows = Blend.objects.of(instance)
        for row in rows.filter(ended_at=None).select_for_update():
            _end(row, None, Blend.Ending.LEFT, BlendStep.Step.LEFT)
        # What nobody is left to read goes: the other account is gone already, or there never was one.
        rows.filter(inviter=None).delete()
        rows.filter(invited=None).delete()


def _pair(row: Blend) -> str:
    first, second = sorted([row.inviter_id or 0, row.invited_id or 0])
    return f"{first}:{second}"


def _name(artist: Artist | None) -> str:
    return artist.name if artist is not None else "an account that was deleted"
