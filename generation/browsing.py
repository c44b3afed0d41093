"""The history as a list of takes: search, filters, order. Used by the pages and the API; knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Expression, F, FloatField, Q, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf

from catalog.models import Artist
from generation import retention
from generation.models import GeneratedTrack, TakeTag

ORDERS: dict[str, F | Expression] = {
    "created": F("created_at"),
    "match": F("similarity_score"),
    "rating": F("rating"),
    "title": F("title"),
    # SQLite reads JSON's null as the word.
    "bpm": Cast(NullIf(KeyTextTransform("bpm", "measured"), Value("null")), FloatField()),
    "length": F("duration"),
}
RATINGS = {"1", "2", "3", "4", "5"}
# What a row of a list shows; the plan, the stems and what each bar is built from stay where they are.
SHOWN = (
    "generation_id",
    "number",
    "title",
    "prompt",
    "filename",
    "audio_path",
    "created_at",
    "duration",
    "peaks",
    "engine",
    "model_version",
    "licence",
    "seed",
    "generation_params",
    "requested",
    "measured",
    "blend",
    "similarity_score",
    "similarity",
    "novelty",
    "certificate_id",
    "library_track_id",
    "favourite",
    "rating",
    "notes",
    "full_audio",
    "full_until",
)


def find(artist: Artist, query: Mapping[str, str]) -> QuerySet[GeneratedTrack]:
    """The artist's takes by `q`, `favourite`, `engine`, `tag`, `rating` (at least; "none") and `library` (in, out).

    In no order. Values that mean nothing are left out, as a mistyped address should still show the history.
    """
    takes = GeneratedTrack.objects.filter(user=artist.user_id, generation__artist=artist)
    for word in query.get("q", "")[:200].split():
        tagged = TakeTag.objects.filter(name__icontains=word.lstrip("#")).values("take_id")
        takes = takes.filter(
            Q(title__icontains=word) | Q(prompt__icontains=word) | Q(notes__icontains=word) | Q(pk__in=tagged)
        )
    if query.get("favourite"):
        takes = takes.filter(favourite=True)
    if engine := query.get("engine"):
        takes = takes.filter(engine=engine)
    if tag := query.get("tag"):
        takes = takes.filter(tags__name=tag)
    if (rating := query.get("rating", "")) in RATINGS:
        takes = takes.filter(rating__gte=int(rating))
    elif rating == "none":
        takes = takes.filter(rating=None)
    if (where := query.get("library", "")) in {"in", "out"}:
        takes = takes.filter(library_track__isnull=where == "out")
    return takes


def ordered(takes: QuerySet[GeneratedTrack], sort: str) -> QuerySet[GeneratedTrack]:
    """By a name of ORDERS ("-match": downwards), newest first without one."""
    column = ORDERS.get(sort.lstrip("-"))
    if column is None:
        return takes.order_by("-created_at", "id")
    return takes.order_by(
        OrderBy(column, descending=sort.startswith("-"), nulls_last=True), "-created_at", "id"
    )


def browse(artist: Artist, query: Mapping[str, str]) -> list[str]:
    """Ids of what `find` finds, in the order of `sort`.

    `audio`: "gone" for takes that cannot be heard, "here" for the others; "preview" for those whose full audio
    expired, "soon" for those whose full audio is about to.
    """
    takes = ordered(find(artist, query), query.get("sort", ""))
    if query.get("audio") == "preview":
        takes = takes.exclude(full_audio=GeneratedTrack.FullAudio.HERE)
    if query.get("audio") == "soon":
        takes = takes.filter(pk__in=retention.expiring(artist).values("pk"))
    if (audio := query.get("audio", "")) in {"here", "gone"}:
        # Only the folder knows; a look at each of some thousand files takes milliseconds.
        return [take.pk for take in takes.only("audio_path") if take.is_heard == (audio == "here")]
    return list(takes.values_list("pk", flat=True))


def rows(ids: Iterable[str]) -> list[GeneratedTrack]:
    """The takes of one page, in the order of `ids`."""
    wanted = list(ids)
    takes = GeneratedTrack.objects.filter(pk__in=wanted).only(*SHOWN, "generation__title")
    found = takes.select_related("generation").prefetch_related("tags").in_bulk()
    return [found[pk] for pk in wanted if pk in found]


def engines_of(artist: Artist) -> Sequence[str]:
    """Slugs of every engine that made one of the artist's takes."""
    takes = GeneratedTrack.objects.filter(user=artist.user_id, generation__artist=artist)
    return list(takes.order_by("engine").values_list("engine", flat=True).distinct())
