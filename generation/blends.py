"""Two artists agree to blend: invitation, answer, what each may see of the other, withdrawal. Every step is logged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
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
# What nobody but its maker reads of a take, and is large: it stays where it is.
_UNREAD = (
    *(
        "prompt",
        "plan",
        "built_from",
        "generation_params",
        "catalog_snapshot",
        "similarity",
        "closest_tracks",
    ),
    *("novelty", "measured", "requested", "sections", "stems", "watermark", "vector", "notes"),
    *(f"generation__{name}" for name in ("prompt", "params", "brief", "notes")),
    *(f"certificate__{name}" for name in ("statement", "envelope", "peaks")),
)
MOST = 20  # invitations of one artist that wait at once


class CannotInvite(Exception):
    """The message is for the artist."""


class CannotAnswer(Exception):
    """The invitation is answered already, or over; the message is for the artist."""


class CannotAllow(Exception):
    """What the other may see cannot be changed like this; the message is for the artist."""


@dataclass(frozen=True)
class Allowed:
    """How much one of the two lets the other see.

    titles: of their recordings that a take is built from. hears: the takes they make with the other.
    """

    titles: bool = False
    hears: bool = True


def of(artist: Artist) -> BlendQuerySet:
    """All blends the artist may see: those they are one of the two in."""
    return Blend.objects.of(artist).select_related("inviter__user", "invited__user")


def with_others(artist: Artist) -> Sequence[Blend]:
    """Those that stand, by the partner's name."""
    rows = of(artist).standing().prefetch_related("consents")
    return sorted(rows, key=lambda one: (_name(one.partner_of(artist)).lower(), one.pk))


def ended_with_takes(artist: Artist) -> BlendQuerySet:
    """Agreements that are over, whose takes either of the two still has: newest end first."""
    from generation.models import GeneratedTrack  # it stands above this module

    rows = of(artist).filter(ending=Blend.Ending.WITHDRAWN, inviter__isnull=False, invited__isnull=False)
    takes = GeneratedTrack.objects.filter(generation__blend=OuterRef("pk"))
    return rows.filter(Exists(takes)).prefetch_related("consents").order_by("-ended_at", "id")


def invite(artist: Artist, to: str = "", *, days: int = 7, allowed: Allowed | None = None) -> Blend:
    """An invitation to the account of this name; without one, by a link that works once.

    Nobody learns from it whether there is such an account: an invitation to nobody waits until it expires.
    Raises CannotInvite.
    """
    to = to.strip()[:254]
    if Blend.objects.filter(inviter=artist).waiting().count() >= MOST:
        raise CannotInvite(f"{MOST} invitations of yours wait for an answer. Take one back first.")
    if to.lower() == artist.user.get_username().lower():
        raise CannotInvite("That is you. Write the account name of another artist.")
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
    """The artist of this account name: as it is written, or in other capitals where only one account has it.

    Never by e-mail address, which nobody verified. What looks like one is a name only letter for letter, so that
    an account that is called almost like somebody's address does not get what is meant for them.
    """
    active = get_user_model().objects.filter(is_active=True)
    users = list(active.filter(username=to))
    if not users and "@" not in to:
        users = list(active.filter(username__iexact=to)[:2])
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
            _hold(blend.inviter_id, artist.pk)
            row = _answered_by(blend, artist)
            inviter = row.inviter
            if inviter is None or not inviter.user.is_active:
                raise CannotAnswer(f"{_name(inviter)}’s account is closed, so you cannot blend with them.")
            # Who withdrew does not come back by what was sent before: neither by name nor by a link.
            ended = Blend.objects.between(inviter, artist).filter(accepted_at__isnull=False)
            if ended.filter(ended_at__gte=row.created_at).exists():
                raise CannotAnswer(
                    f"You and {inviter.name} ended a blend after this invitation was sent. "
                    "To blend again, one of you invites the other anew."
                )
            row.invited, row.accepted_at, row.key = artist, timezone.now(), None
            row.pair = _pair(row)
            row.save(update_fields=["invited", "accepted_at", "key", "pair"])
            _consents(row, artist, allowed or Allowed(), BlendStep.Step.ACCEPTED)
            _close_waiting(inviter, artist, by=artist)
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
        _hold(blend.inviter_id, blend.invited_id)
        row = Blend.objects.select_for_update().filter(pk=blend.pk).first()
        if row is None or row.ended_at is not None:
            return False
        if row.stands:
            _end(row, artist, Blend.Ending.WITHDRAWN, BlendStep.Step.WITHDRAWN)
            if (partner := row.partner_of(artist)) is not None:
                _close_waiting(partner, artist, by=artist)
        elif row.inviter_id == artist.pk:
            _end(row, artist, Blend.Ending.TAKEN_BACK, BlendStep.Step.TAKEN_BACK)
        else:
            _end(row, artist, Blend.Ending.DECLINED, BlendStep.Step.DECLINED)
    return True


def _hold(*artists: int | None) -> None:
    """Answers and withdrawals of the same two wait for each other, always in the same order."""
    rows = Artist.objects.filter(pk__in=[one for one in artists if one]).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _close_waiting(one: Artist, other: Artist, *, by: Artist) -> None:
    """Invitations by name between the two that are still open, once they agreed or one of them withdrew."""
    for row in Blend.objects.between(one, other).waiting().select_for_update():
        _end(row, by, Blend.Ending.CLOSED, BlendStep.Step.CLOSED)


def _end(row: Blend, artist: Artist | None, ending: Blend.Ending, step: BlendStep.Step) -> None:
    row.ended_at, row.ending, row.pair, row.key = timezone.now(), ending, None, None
    row.save(update_fields=["invited", "ended_at", "ending", "pair", "key"])
    _log(row, artist, step)


def allow(blend: Blend, artist: Artist, allowed: Allowed) -> None:
    """Change what the other may see of this artist, from now on. Raises CannotAllow.

    Once the blend has ended it can be lowered and not raised: nobody agrees to anything any more.
    """
    with transaction.atomic():
        row = Blend.objects.select_for_update().get(pk=blend.pk)
        rows = BlendConsent.objects.filter(blend=row, artist=artist)
        own = rows.first()
        if row.accepted_at is None or own is None:
            raise CannotAllow("This blend was never agreed to, so there is nothing to change.")
        if not row.stands and ((allowed.titles and not own.titles) or (allowed.hears and not own.hears)):
            raise CannotAllow("This blend has ended: what the other may see can be turned off, and not on.")
        if (own.titles, own.hears) != (allowed.titles, allowed.hears):
            rows.update(titles=allowed.titles, hears=allowed.hears)
            _log(row, artist, BlendStep.Step.ALLOWED, allowed)


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
    return takes.defer(*_UNREAD).order_by("-created_at", "id")


def heard_by(take: GeneratedTrack, artist: Artist) -> bool:
    """Whether the other one of a take of two hears it, as who made it allows."""
    row = take.generation.blend
    consent = consent_of(row, take.generation.artist) if row else None
    return consent is not None and consent.hears


def artist_goes(sender: type[Artist], instance: Artist, **_: object) -> None:
    """Before an artist is deleted, by whatever way: their blends end. The other's record of them stays."""
    with transaction.atomic():
        rows = Blend.objects.of(instance)
        # An invitation to this account waits until it expires, as one to nobody does: who sent it does not learn
        # that there was an account.
        known = Q(accepted_at__isnull=False) | Q(inviter=instance)
        for row in rows.filter(known, ended_at=None).select_for_update():
            _end(row, None, Blend.Ending.LEFT, BlendStep.Step.LEFT)
        # What nobody is left to read goes: the other account is gone already, or there never was one.
        rows.filter(inviter=None).delete()
        rows.filter(invited=None).delete()


def _pair(row: Blend) -> str:
    first, second = sorted([row.inviter_id or 0, row.invited_id or 0])
    return f"{first}:{second}"


def _name(artist: Artist | None) -> str:
    return artist.name if artist is not None else "an account that was deleted"
