"""The public gallery: offered by owners, promoted by curators, reported by visitors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.throttling import AnonRateThrottle

from generation.badges import Parent, badges, process
from generation.models import Exhibit, ExhibitReport, GeneratedTrack
from provenance import lineage
from provenance.models import Certificate

REASONS = {
    "copy": "It copies somebody’s recording",
    "name": "It uses somebody’s name or voice",
    "unlawful": "It is unlawful or hateful",
    "other": "Something else",
}
LONGEST_REPORT = 2000


class NotShown(Exception):
    """A take that is not taken into the gallery. The message is for the artist."""


class ReportThrottle(AnonRateThrottle):
    scope = "report"


@dataclass(frozen=True)
class Shown:
    """An exhibit with all that a page draws of it."""

    exhibit: Exhibit
    artist: str
    process: str
    badges: list[str]

    @property
    def take(self) -> GeneratedTrack:
        return self.exhibit.take


def offer(take: GeneratedTrack) -> Exhibit:
    """Put a take before the curators. Raises NotShown."""
    if take.certificate_id is None:
        raise NotShown("Only takes with a certificate are shown in the gallery. This one has none.")
    row, _ = Exhibit.objects.get_or_create(take=take)
    if row.taken_down_at is not None:
        raise NotShown("A curator took this take out of the gallery, so it cannot be offered again.")
    return row


def withdraw(take: GeneratedTrack) -> None:
    """Out of the gallery at once. What a curator took down stays remembered."""
    Exhibit.objects.filter(take=take, taken_down_at=None).delete()


def curate(rows: QuerySet[Exhibit], state: Exhibit.State) -> int:
    return rows.filter(taken_down_at=None).exclude(state=state).update(state=state, curated_at=timezone.now())


def take_down(rows: QuerySet[Exhibit]) -> int:
    now = timezone.now()
    ExhibitReport.objects.filter(exhibit__in=rows, handled_at=None).update(handled_at=now)
    return rows.filter(taken_down_at=None).update(taken_down_at=now, state=Exhibit.State.SANDBOX)


def report(exhibit: Exhibit, *, reason: str, words: str, contact: str) -> ExhibitReport:
    return exhibit.reports.create(
        reason=reason, words=words.strip()[:LONGEST_REPORT], contact=contact.strip()[:200]
    )


def public() -> QuerySet[Exhibit]:
    """What anybody sees, in order."""
    rows = Exhibit.objects.public().order_by("-curated_at", "id")
    rows = rows.select_related(
        "take__generation__artist", "take__certificate__key", "take__certificate__revocation"
    )
    large = ("plan", "built_from", "generation_params", "catalog_snapshot", "similarity", "stems", "notes")
    generation = ("params", "brief", "notes")
    return rows.defer(
        *(f"take__{name}" for name in large), *(f"take__generation__{name}" for name in generation)
    )


def shown(rows: Sequence[Exhibit]) -> list[Shown]:
    """These exhibits for a page, in one query more, however many there are."""
    named: set[str] = set()
    for row in rows:
        if row.take.certificate is not None:
            named |= {pk for pk, _ in lineage.parents(row.take.certificate.provenance)}
    held = Certificate.objects.filter(pk__in=named).select_related("key", "revocation")
    parents = {one.pk: Parent(one.artist_name, not lineage.revoked(one)) for one in held.defer("envelope")}
    return [_shown(row, parents) for row in rows]


def _shown(row: Exhibit, parents: dict[str, Parent]) -> Shown:
    certificate, artist = row.take.certificate, row.take.generation.artist.name
    provenance: dict[str, Any] = certificate.provenance if certificate is not None else {}
    stands = certificate is not None and not lineage.revoked(certificate)
    return Shown(
        row,
        artist,
        process(artist, provenance),
        badges(certificate.artist_name if certificate else artist, provenance, parents, stands=stands),
    )
