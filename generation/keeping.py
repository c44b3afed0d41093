"""What artists say of their takes: favourite, rating, notes, tags, another title; and that takes go."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, QuerySet

from catalog.models import Artist
from generation import retention
from generation.models import GeneratedTrack, TakeTag

MOST_TAGS, LONGEST_TAG, LONGEST_NOTES = 12, 30, 5000
AT_ONCE = 500  # rows in one statement


class BadTags(ValueError):
    """Tags that are not taken. The message is for the artist."""


def normalised(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept: lower case, one space between words, no leading #, each once, in alphabetical order."""
    found = set()
    for tag in tags:
        words = " ".join(unicodedata.normalize("NFKC", tag).replace("\0", "").lstrip("# ").casefold().split())
        if len(words) > LONGEST_TAG:
            raise BadTags(f"“{words[:LONGEST_TAG]}…” is longer than {LONGEST_TAG} characters. Shorten it.")
        if words:
            found.add(words)
    if len(found) > MOST_TAGS:
        raise BadTags(f"{len(found)} tags are more than the {MOST_TAGS} a take can have. Leave some out.")
    return sorted(found)


def written(text: str) -> list[str]:
    """Tags as they are typed in one field, with commas between them. Raises BadTags."""
    return normalised(text.replace(";", ",").replace("\n", ",").split(","))


def change(take: GeneratedTrack, **said: Any) -> None:
    """Keep what is said: title, favourite, rating (None: none), notes, tags (normalised), pinned. The rest stays."""
    tags, pinned = said.pop("tags", None), said.pop("pinned", None)
    with transaction.atomic():
        if pinned is not None:
            retention.pin(take, on=pinned)
        for name, value in said.items():
            setattr(take, name, value)
        if said:
            take.save(update_fields=list(said))
        if tags is not None:
            take.tags.exclude(name__in=tags).delete()
            tag([take.pk], tags)


def tag(takes: Sequence[str], tags: Iterable[str]) -> None:
    """Put these tags on these takes, beside what they have."""
    rows = [TakeTag(take_id=pk, name=name) for name in tags for pk in takes]
    TakeTag.objects.bulk_create(rows, ignore_conflicts=True, batch_size=AT_ONCE)


def favour(artist: Artist, ids: Sequence[str], *, on: bool) -> int:
    """Make these takes favourites, or no longer. Returns how many of them are there."""
    return sum(portion.update(favourite=on) for portion in portions(artist, ids))


def tag_many(artist: Artist, ids: Sequence[str], tags: Sequence[str]) -> int:
    """Put these tags on these takes. Raises BadTags where one would have too many. Returns how many are there."""
    with transaction.atomic():
        found = [pk for portion in portions(artist, ids) for pk in portion.values_list("pk", flat=True)]
        tag(found, tags)
        for portion in portions(artist, found):
            most = portion.annotate(many=Count("tags")).aggregate(most=Max("many"))["most"] or 0
            if most > MOST_TAGS:
                raise BadTags(f"One of these takes would have {most} tags; {MOST_TAGS} is the most.")
    return len(found)


def untag_many(artist: Artist, ids: Sequence[str], tags: Sequence[str]) -> int:
    """Take these tags off these takes. Returns how many had one of them."""
    with transaction.atomic():
        had = 0
        for portion in portions(artist, ids):
            rows = TakeTag.objects.filter(take__in=portion.order_by().values("pk"), name__in=tags)
            had += rows.values("take_id").distinct().count()
            rows.delete()
    return had


def tags_of(artist: Artist) -> list[str]:
    """Every tag the artist uses, in alphabetical order."""
    names = (
        TakeTag.objects.filter(take__generation__artist=artist)
        .order_by("name")
        .values_list("name", flat=True)
    )
    return list(names.distinct())


def delete(artist: Artist, ids: Sequence[str]) -> int:
    """Delete takes with their files. Returns how many.

    What they were asked for stays, and so do their certificates and the tracks that were added to the catalog.
    """
    deleted = 0
    for portion in portions(artist, ids):
        rows = list(portion.only("pk", "audio_path"))
        GeneratedTrack.objects.filter(pk__in=[take.pk for take in rows]).only("pk").delete()
        deleted += len(rows)
        for take in rows:
            if take.audio_path:
                shutil.rmtree(take.folder, ignore_errors=True)
    return deleted


def portions(artist: Artist, ids: Sequence[str]) -> Iterator[QuerySet[GeneratedTrack]]:
    """Those of these takes that are the artist's, some hundred at a time."""
    for start in range(0, len(ids), AT_ONCE):
        yield GeneratedTrack.objects.filter(generation__artist=artist, pk__in=ids[start : start + AT_ONCE])
