"""What two artists agreed on: that either may make takes from the recordings and the DNA of both."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from catalog.ids import blend_id
from catalog.models import Artist


def invitation_key() -> str:
    return secrets.token_urlsafe(24)


class BlendQuerySet(models.QuerySet["Blend"]):
    def of(self, artist: Artist) -> BlendQuerySet:
        """All that an artist is one of the two in, also where it was never answered or has ended."""
        return self.filter(Q(inviter=artist) | Q(invited=artist))

    def waiting(self) -> BlendQuerySet:
        """Invitations that can still be answered."""
        return self.filter(
            accepted_at=None, ended_at=None, expires_at__gt=timezone.now(), inviter__isnull=False
        )

    def standing(self) -> BlendQuerySet:
        """Accepted by both, withdrawn by neither."""
        return self.filter(accepted_at__isnull=False, ended_at=None)

    def in_force(self) -> BlendQuerySet:
        """Standing, and neither account is closed: takes are made under these alone."""
        return self.standing().filter(inviter__user__is_active=True, invited__user__is_active=True)

    def between(self, one: Artist, other: Artist) -> BlendQuerySet:
        """Everything there ever was between these two; not the links that neither has answered."""
        return self.filter(Q(inviter=one, invited=other) | Q(inviter=other, invited=one))


class Blend(models.Model):
    """An invitation, and once it is accepted the agreement of two artists. It ends once, for good.

    waiting -> standing -> ended
       |          declined, taken back, closed by another answer, expired: it never stood
    """

    class Ending(models.TextChoices):
        DECLINED = "declined", "Declined"
        TAKEN_BACK = "taken back", "Taken back"
        CLOSED = "closed", "Closed"
        WITHDRAWN = "withdrawn", "Withdrawn"
        LEFT = "account deleted", "Account deleted"

    id = models.CharField(primary_key=True, max_length=32, default=blend_id, editable=False)
    inviter = models.ForeignKey(Artist, null=True, on_delete=models.SET_NULL, related_name="+")
    invited = models.ForeignKey(
        Artist,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="empty: a link that nobody used yet, or a name that nobody has",
    )
    key = models.CharField(max_length=40, null=True, unique=True, help_text="of an invitation by link")
    addressed = models.CharField(
        max_length=254, blank=True, help_text="account name, as the inviter wrote it"
    )
    pair = models.CharField(max_length=64, null=True, help_text="the two artists, while it stands")
    expires_at = models.DateTimeField(help_text="of the invitation")
    accepted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=20, choices=Ending.choices, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = BlendQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("pair", condition=Q(pair__isnull=False), name="one_standing_blend_of_two")
        ]

    def __str__(self) -> str:
        return f"blend of {self.inviter_id} and {self.invited_id or self.addressed or 'whoever has the link'}"

    def get_absolute_url(self) -> str:
        """Of an invitation by link: where it is answered."""
        return reverse("generation:invitation", args=[self.key])

    @property
    def stands(self) -> bool:
        return self.accepted_at is not None and self.ended_at is None

    @property
    def waits(self) -> bool:
        unanswered = self.accepted_at is None and self.ended_at is None
        return unanswered and self.expires_at > timezone.now() and self.inviter_id is not None

    @property
    def closed(self) -> Artist | None:
        """Whose account is closed, of the two; None where both are open."""
        return next((one for one in (self.inviter, self.invited) if one and not one.user.is_active), None)

    @property
    def state(self) -> str:
        """waiting, standing, expired, or how it ended."""
        if self.ended_at is not None:
            return self.ending
        if self.accepted_at is not None:
            return "standing"
        return "waiting" if self.waits else "expired"

    def partner_of(self, artist: Artist) -> Artist | None:
        """The other one; None before anybody accepted, and after their account was deleted."""
        return self.invited if self.inviter_id == artist.pk else self.inviter


class BlendConsent(models.Model):
    """What one of the two agreed to, and how much the other may see. One for each side."""

    blend = models.ForeignKey(Blend, on_delete=models.CASCADE, related_name="consents")
    artist = models.ForeignKey(Artist, null=True, on_delete=models.SET_NULL, related_name="blend_consents")
    statement = models.TextField(help_text="the words that were agreed to")
    titles = models.BooleanField(
        default=False, help_text="the other sees titles of recordings that were used"
    )
    hears = models.BooleanField(default=True, help_text="the other hears takes that are made with them")
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("blend", "artist", name="one_blend_consent_of_each")
        ]

    def __str__(self) -> str:
        return f"consent of {self.artist_id} to {self.blend_id}"


class BlendStep(models.Model):
    """The log of a blend: who did what, when. Rows are added and never changed."""

    class Step(models.TextChoices):
        INVITED = "invited", "invited"
        ACCEPTED = "accepted", "agreed"
        ALLOWED = "allowed", "changed what the other may see"
        DECLINED = "declined", "declined"
        TAKEN_BACK = "taken back", "took the invitation back"
        CLOSED = "closed", "ended an open invitation"
        WITHDRAWN = "withdrawn", "withdrew"
        LEFT = "left", "deleted their account"

    blend = models.ForeignKey(Blend, on_delete=models.CASCADE, related_name="steps")
    artist = models.ForeignKey(Artist, null=True, on_delete=models.SET_NULL, related_name="+")
    step = models.CharField(max_length=20, choices=Step.choices)
    titles = models.BooleanField(null=True, help_text="as allowed by this step; empty: nothing about it")
    hears = models.BooleanField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.blend_id}: {self.step}"
