"""The plan's measures of success, counted from the rows of this installation. Nothing leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Max, Q
from django.utils import timezone

from catalog.models import Artist
from generation.models import Adapter, Blend, GeneratedTrack, Generation
from provenance.models import Anchor

NEAR = 0.75
LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Measure:
    """What is counted, how it stands, what the plan aims at, and how to read it."""

    name: str
    value: str
    aim: str
    meaning: str


def read() -> list[Measure]:
    """Each measure of the plan, over everything that is kept."""
    return [*_matches(), _regenerations(), *_adapters(), *_blends(), *_anchored()]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part:,} of {whole:,})" if whole else "None yet"


def _matches() -> list[Measure]:
    near, lately = Q(similarity_score__gt=NEAR), Q(created_at__gt=timezone.now() - LATELY)
    # A take of two artists is measured against the blend of both, which is no artist's catalog.
    counts = GeneratedTrack.objects.filter(blend={}).aggregate(
        all=Count("pk"),
        near=Count("pk", filter=near),
        new=Count("pk", filter=lately),
        new_near=Count("pk", filter=near & lately),
    )
    meaning = f"Takes whose match with their artist's catalog is over {NEAR}"
    return [
        Measure(f"Takes over {NEAR}", _share(counts["near"], counts["all"]), "60%", f"{meaning}."),
        Measure(
            f"Takes over {NEAR}, last 30 days",
            _share(counts["new_near"], counts["new"]),
            "60%",
            f"{meaning}, of those made in the last 30 days.",
        ),
    ]


def _regenerations() -> Measure:
    counts = Generation.objects.aggregate(
        first=Count("pk", filter=Q(parent=None)), again=Count("pk", filter=Q(parent__isnull=False))
    )
    first, again = counts["first"], counts["again"]
    value = f"{again / first:.2f} ({again:,} for {first:,})" if first else "None yet"
    return Measure(
        "Regenerations for each track",
        value,
        "3",
        "Variations, edits and remakes, divided by requests that began from nothing.",
    )


def _adapters() -> list[Measure]:
    made = Q(generations__isnull=False)
    artists = Artist.objects.filter(made).distinct().count()
    trained = Artist.objects.filter(made, adapters__status=Adapter.READY).distinct().count()
    # An adapter's id stands in the brief of whatever is made with it; engines without adapters leave it null.
    used = Generation.objects.filter(brief__adapter__startswith="adp_")
    named = used.order_by().values("brief__adapter").distinct().count()
    there = Adapter.objects.filter(status=Adapter.READY).count()
    return [
        Measure(
            "Artists with an adapter",
            _share(trained, artists),
            "80%",
            "Artists who generate and have trained a model on their catalog.",
        ),
        Measure(
            "Adapters in use",
            f"{named:,} of {there:,}, in {used.count():,} requests",
            "",
            "Adapters that some request asked for, of those that are trained.",
        ),
    ]


def _blends() -> list[Measure]:
    made = GeneratedTrack.objects.exclude(blend={}).count()
    return [
        Measure(
            "Takes of two artists",
            f"{made:,}",
            "10",
            "Takes that the recordings and the DNA of two artists went into, with the consent of both.",
        ),
        Measure(
            "Pairs of artists who blend",
            f"{Blend.objects.standing().count():,}",
            "",
            "Two artists who agreed that either may make such takes, and neither has withdrawn.",
        ),
    ]


def _anchored() -> list[Measure]:
    """A take is anchored when a state of the log that holds its certificate stands on a chain."""
    size = Anchor.objects.filter(status=Anchor.READY).aggregate(size=Max("checkpoint__size"))["size"] or 0
    stamped = GeneratedTrack.objects.filter(certificate__isnull=False)
    held = stamped.filter(certificate__entry__lt=size).count() if size else 0
    tokens = stamped.filter(certificate__tokens__status=Anchor.READY).distinct().count()
    return [
        Measure(
            "Anchored tracks",
            f"{held:,} of {stamped.count():,}",
            "100",
            "Takes whose certificate lies in a state of the log that stands on a blockchain.",
        ),
        Measure(
            "Tracks with a token", f"{tokens:,}", "", "Takes whose certificate has a token of its own there."
        ),
    ]
