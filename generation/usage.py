"""What of a plan is used up: generations of this month, and room on the disk."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from catalog import room
from catalog.models import Artist, Import, Track
from generation import allowance
from generation.models import Adapter, Export, GeneratedTrack, Generation, SpentGeneration

COUNTED = (Generation.QUEUED, Generation.RUNNING, Generation.READY)


class Forbidden(Exception):
    """The plan does not include it. The message says what, until when, and what one can do."""


class Used(Forbidden):
    """This month's generations are used up."""

    def __init__(self, plan: str, used: int, most: int, until: datetime) -> None:
        self.used, self.most, self.until = used, most, until
        super().__init__(
            f"The plan {plan} includes {most} generations a month, and {used} of this month "
            f"{'is' if used == 1 else 'are'} used or under way. The next month begins on {until:%-d %B %Y}. Until then "
            "you can cancel one that is under way, or ask whoever runs this site for the plan Pro. "
            "Failed and cancelled generations are not counted."
        )


class Full(Forbidden):
    """The plan's storage is used up."""

    def __init__(self, plan: str, used: int, most: int) -> None:
        self.used, self.most = used, most
        super().__init__(
            f"The plan {plan} includes {gigabytes(most)} of storage, and {gigabytes(used)} are used. Delete tracks, "
            "takes or adapters you no longer need, or ask whoever runs this site for another plan. Your account "
            "page says what takes up how much."
        )


def gigabytes(size: int) -> str:
    """5 * 2**30 -> "5 GB"; a fifth more of one -> "5.2 GB"."""
    return f"{round(size / allowance.GB, 1):g} GB"


def month(now: datetime | None = None) -> tuple[datetime, datetime]:
    """The first moments of this month and of the next (UTC)."""
    now = now or timezone.now()
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first, following


def generations(artist: Artist, now: datetime | None = None) -> int:
    """Requests of this month that count: ready or under way, and those made and deleted since."""
    first, following = month(now)
    rows = Generation.objects.filter(artist=artist, queued_at__gte=first, queued_at__lt=following)
    spent = SpentGeneration.objects.filter(artist=artist, at__gte=first, at__lt=following)
    return rows.filter(status__in=COUNTED).count() + spent.count()


def refuse_more(artist: Artist) -> None:
    """Raises Used when one more generation is over the plan's limit.

    Called in the transaction that makes the row, so that of two requests at once the second sees the first.
    """
    locked = Artist.objects.select_for_update().get(pk=artist.pk)  # the plan, too, as it is now
    most = allowance.of(locked).generations
    if most is not None and (used := generations(locked)) >= most:
        raise Used(locked.get_plan_display(), used, most, month()[1])


def keep_count(generation: Generation) -> None:
    """Before a generation is deleted: what was made counts in its month all the same."""
    with transaction.atomic():
        made = (
            Generation.objects.select_for_update().filter(pk=generation.pk, status=Generation.READY).first()
        )
        if made is not None:
            SpentGeneration.objects.create(artist_id=made.artist_id, at=made.queued_at)


def refuse_storage(artist: Artist, more: int = 0) -> None:
    """Raises Full when the plan's storage is used up, or would be with so many bytes more."""
    if allowance.of(artist).storage is None:  # the usual case costs no query
        return
    locked = Artist.objects.select_for_update().get(pk=artist.pk)
    most = allowance.of(locked).storage
    if most is not None and (used := stored(locked)) + max(1, more) > most:
        raise Full(locked.get_plan_display(), used, most)


def has_room(artist: Artist, more: int) -> None:
    """`refuse_storage`, for `catalog.room`."""
    try:
        refuse_storage(artist, more)
    except Full as error:
        raise room.Full(str(error)) from None


def refuse_references(artist: Artist) -> None:
    _refuse(allowance.of(artist).references, artist, "reference tracks", "Pro and Elite do", "Leave them out")


def refuse_format(artist: Artist, kind: str) -> None:
    """Previews are for playing, in every plan."""
    allowed = allowance.of(artist).formats
    _refuse(
        kind == "preview" or kind in allowed,
        artist,
        f"downloads as {kind.upper()}",
        "Pro and Elite do",
        f"Take {' or '.join(one.upper() for one in allowed)}",
    )


def refuse_stems(artist: Artist) -> None:
    _refuse(
        allowance.of(artist).stems, artist, "stems and DAW projects", "Elite does", "Download the whole take"
    )


def _refuse(included: bool, artist: Artist, what: str, who: str, instead: str) -> None:
    if not included:
        raise Forbidden(
            f"The plan {artist.get_plan_display()} does not include {what}; {who}. {instead}, or ask whoever "
            "runs this site for another plan."
        )


def stored(artist: Artist) -> int:
    """Bytes that count against the plan: everything but exports, which go by themselves."""
    return sum(size for kind, size in storage(artist) if kind != "Exports")


def storage(artist: Artist) -> list[tuple[str, int]]:
    """(kind, bytes) of all that is kept for this artist."""
    kinds = {
        "Recordings": Track.objects.of(artist).exclude(path=""),
        "Takes with their stems": GeneratedTrack.objects.filter(generation__artist=artist).exclude(
            audio_path=""
        ),
        "Adapters": Adapter.objects.filter(artist=artist),
        "Exports": Export.objects.filter(artist=artist),
        "Collection files": Import.objects.filter(artist=artist).exclude(path=""),
    }
    return [
        (kind, int(rows.aggregate(total=Sum("size_bytes"))["total"] or 0)) for kind, rows in kinds.items()
    ]
