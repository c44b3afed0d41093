"""Recordings that are in a catalog twice: found after analysis, shown side by side, decided by the artist.

Identity is never a name: it is the decoded audio, else the fingerprint. Of rows that are known by name only
(a collection's) the name and length are all there is; such pairs say so. Nothing is deleted but by the
artist's choice, and what was typed by hand or collected on the row that goes is kept on the one that stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, QuerySet, When
from django_q.tasks import async_task

from catalog import adoption, collected, intake
from catalog.matching import shelves
from catalog.models import Artist, DuplicatePair, Fingerprint, PlaylistEntry, Track
from catalog.precedence import Rank
from catalog.queue import address

# The share of the shorter recording that must lie on one alignment with the other.
LEAST_SHARE, LEAST_SECONDS = 0.6, 8.0
NAME_SECONDS = 2.0
_LARGE = ("document", "vector", "peaks")
_SEEN = "duplicates_seen"  # in Artist.settings: the newest fingerprint that was compared
_COPY_WORDS = re.compile(r"(\s*[(\[](copy|\d{1,2}|original mix|original version)[)\]]|\s+copy)+$")
_LARGEST_GROUP = 50
_AT_ONCE = 2_000  # ids in one statement


class Undecidable(Exception):
    """This choice cannot be carried out; the sentence says why."""


def ask(artist: Artist) -> None:
    """Have a worker look for duplicates: called when a catalog has settled."""
    place = address("cpu", Rank.BATCH, artist.pk)
    async_task("catalog.tasks.find_duplicates", artist.pk, cluster=place)


def pairs_of(artist: Artist, *, heard: bool = False) -> QuerySet[DuplicatePair]:
    """The artist's pairs, with both tracks (without what is large of their analyses), surest kind first.

    heard: with their waveforms, for a page that plays them.
    """
    pairs = DuplicatePair.objects.filter(artist=artist)
    sure = Case(
        When(kind=DuplicatePair.Kind.AUDIO, then=0), When(kind=DuplicatePair.Kind.NEAR, then=1), default=2
    )
    left_out = [name for name in _LARGE if not (heard and name == "peaks")]
    large = [f"{side}__analysis__{name}" for side in ("first", "second") for name in left_out]
    joined = pairs.select_related("artist", "first__analysis", "second__analysis")
    return joined.defer(*large).order_by(sure, "id")


def find(artist: Artist) -> int:
    """Fill in new pairs. Returns how many. What was compared before is not compared again.

    What was compared counts as compared once its pairs are stored, and not before: a worker may die in between.
    """
    newest = _fingerprints(artist).values_list("pk", flat=True).last() or 0
    found: dict[tuple[str, str], DuplicatePair] = {}
    for kind, first, second, evidence in (*_same_audio(artist), *_near(artist, newest), *_same_name(artist)):
        first, second = min(first, second), max(first, second)
        pair = DuplicatePair(artist=artist, first_id=first, second_id=second, kind=kind, evidence=evidence)
        found.setdefault((first, second), pair)
    with transaction.atomic():
        # Whoever else looked at the same time has stored theirs, or waits for these.
        fresh = Artist.objects.select_for_update(no_key=True).get(pk=artist.pk)
        known = set(DuplicatePair.objects.filter(artist=artist).values_list("first_id", "second_id"))
        there = _held(artist, sorted({pk for pair in found.keys() - known for pk in pair}))
        made = [pair for pks, pair in found.items() if pks not in known and there.issuperset(pks)]
        DuplicatePair.objects.bulk_create(made, batch_size=500)
        if newest > int(fresh.settings.get(_SEEN, 0)):
            fresh.settings = {**fresh.settings, _SEEN: newest}
            fresh.save(update_fields=["settings"])
    artist.settings = fresh.settings
    _forget_names(artist)
    return len(made)


def _held(artist: Artist, pks: list[str]) -> set[str]:
    """Those of these tracks that are still there, and stay until the transaction ends."""
    held: set[str] = set()
    for start in range(0, len(pks), _AT_ONCE):
        part = Track.objects.of(artist).filter(pk__in=pks[start : start + _AT_ONCE]).order_by("pk")
        held.update(part.select_for_update(no_key=True).values_list("pk", flat=True))
    return held


Found = tuple[str, str, str, dict[str, Any]]


def _same_audio(artist: Artist) -> Iterator[Found]:
    tracks = Track.objects.of(artist)
    refused = tracks.filter(duplicate_of__isnull=False, duplicate_of__artist=artist)
    for pk, twin in refused.values_list("pk", "duplicate_of_id"):
        yield DuplicatePair.Kind.AUDIO, pk, str(twin), {"bits": True}
    sounding = tracks.exclude(audio_sha256="")
    twice = sounding.values("audio_sha256").annotate(n=Count("pk")).filter(n__gt=1).values("audio_sha256")
    groups = defaultdict(list)
    for pk, digest in (
        sounding.filter(audio_sha256__in=twice).order_by("pk").values_list("pk", "audio_sha256")
    ):
        groups[digest].append(pk)
    for first, *others in groups.values():
        for other in others:
            yield DuplicatePair.Kind.AUDIO, first, other, {"bits": True}


def _fingerprints(artist: Artist) -> QuerySet[Fingerprint]:
    return Fingerprint.objects.filter(track__artist=artist, track__status=Track.READY).order_by("pk")


def _near(artist: Artist, newest: int) -> Iterator[Found]:
    """New fingerprints, up to `newest`, with one another and with those that were compared before."""
    from catalog.audio.copies import pairs_among

    seen = int(artist.settings.get(_SEEN, 0))
    if newest <= seen:
        return
    stored = _fingerprints(artist)
    new, known = stored.filter(pk__gt=seen, pk__lte=newest), stored.filter(pk__lte=seen)
    for pair in pairs_among(shelves(new), shelves(known)):
        share = max(pair.passage.covered, pair.passage.of_other)
        if share >= LEAST_SHARE and pair.passage.seconds >= LEAST_SECONDS:
            evidence = {"share": round(share, 3), "seconds": round(pair.passage.seconds, 1)}
            yield DuplicatePair.Kind.NEAR, pair.first, pair.second, evidence


def _same_name(artist: Artist) -> Iterator[Found]:
    groups = defaultdict(list)
    rows = Track.objects.of(artist).order_by("pk")
    for pk, title, credit, duration, status in rows.values_list(
        "pk", "title", "credit", "duration", "status"
    ):
        if name := normalised(title):
            groups[name].append((pk, normalised(credit), duration, status == Track.METADATA))
    for group in groups.values():
        if not 1 < len(group) <= _LARGEST_GROUP:
            continue
        for at, (pk, credit, duration, named) in enumerate(group):
            for other, other_credit, other_duration, other_named in group[at + 1 :]:
                if not (named or other_named) or (credit and other_credit and credit != other_credit):
                    continue
                if duration and other_duration:
                    if abs(duration - other_duration) > NAME_SECONDS:
                        continue
                elif not (credit and credit == other_credit):
                    continue  # a title alone is no identity
                yield DuplicatePair.Kind.NAME, pk, other, {"name": True}


def normalised(name: str) -> str:
    """A title as it is compared: case, spelling of letters, punctuation and marks of a copy left out."""
    text = unicodedata.normalize("NFKD", name).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c)).strip()
    text = _COPY_WORDS.sub("", text)
    return " ".join(re.findall(r"\w+", text))


def _forget_names(artist: Artist) -> None:
    """Pairs by name of which both have audio now are a matter of fingerprints."""
    pairs = DuplicatePair.objects.filter(
        artist=artist, kind=DuplicatePair.Kind.NAME, verdict=DuplicatePair.Verdict.OPEN
    )
    pairs.exclude(first__status=Track.METADATA).exclude(second__status=Track.METADATA).delete()


def judge(pair: DuplicatePair, verdict: str) -> None:
    """Set the artist's verdict: open, or different."""
    pair.verdict = verdict
    pair.save(update_fields=["verdict"])


def keep(pair: DuplicatePair, track_id: str) -> Track:
    """Keep one of the two and delete the other, carrying over what the artist and their collection knew of it.

    Raises Undecidable when the track is not of the pair, or has no audio while the other has.
    """
    if track_id not in (pair.first_id, pair.second_id):
        raise Undecidable("That track is not one of these two.")
    with transaction.atomic():
        adoption.locked(pair.artist)
        tracks = Track.objects.of(pair.artist).select_for_update(of=("self",))
        both = {track.pk: track for track in tracks.filter(pk__in=(pair.first_id, pair.second_id))}
        if len(both) != 2:
            raise Undecidable("One of the two is gone already.")
        stays = both.pop(track_id)
        (goes,) = both.values()
        if not stays.path and goes.path:
            raise Undecidable(f"“{stays.title}” has no audio. Keep the one that has it.")
        hand_over(stays, goes)
    intake.withdraw(goes)
    stays.refresh_from_db()
    if stays.status == Track.FAILED and stays.path:  # it was refused only for the sake of the other
        intake.retry(stays)
    return stays


def hand_over(stays: Track, goes: Track) -> None:
    """Give a row what the artist and a collection said of another, and its playlists. The artist is locked."""
    changes = inherited(stays, goes)
    # What moves leaves the other row first: an imported id is unique, and plays count once.
    Track.objects.filter(pk=goes.pk).update(imported_id="", imported={}, plays=None)
    if changes:
        Track.objects.filter(pk=stays.pk).update(**changes)
    PlaylistEntry.objects.filter(track=goes).update(track=stays)


def inherited(stays: Track, goes: Track) -> dict[str, Any]:
    """Columns that the kept track takes over: corrections it lacks, what a collection said, plays added up."""
    changes: dict[str, Any] = {}
    for name in ("bpm_override", "key_override", "genre_override", "credit", "imported_bpm", "imported_key"):
        if not getattr(stays, name) and getattr(goes, name):
            changes[name] = getattr(goes, name)
    if "bpm_override" in changes:
        changes["bpm_locked"] = goes.bpm_locked
    if goes.settled_title and not stays.settled_title:
        changes |= {"title": goes.title, "settled_title": True}
    if goes.imported_id and not stays.imported_id:
        changes |= {"imported_id": goes.imported_id, "imported": goes.imported}
    elif goes.imported_id:  # or the next import would bring it back
        changes["imported"] = collected.merged(stays.imported, goes.imported_id, goes.imported)
    if goes.plays:
        changes["plays"] = (stays.plays or 0) + goes.plays
    for name, best in (("rating", max), ("added_on", min), ("last_played_on", max)):
        theirs, own = getattr(goes, name), getattr(stays, name)
        if theirs is not None and theirs != own:
            chosen = theirs if own is None else best(own, theirs)
            if chosen != own:
                changes[name] = chosen
    return changes


def lost(stays: Track, goes: Track) -> list[str]:
    """Corrections by hand that would go with the deleted track because the kept one has other ones."""
    words = {"bpm_override": "BPM", "key_override": "key", "genre_override": "genre"}
    typed = goes.settled_title and stays.settled_title and goes.title != stays.title
    return [f"title “{goes.title}”"] * typed + [
        f"{word} {getattr(goes, name):g}" if name == "bpm_override" else f"{word} {getattr(goes, name)}"
        for name, word in words.items()
        if getattr(goes, name) and getattr(stays, name) and getattr(goes, name) != getattr(stays, name)
    ]


def open_count(artist: Artist) -> int:
    return DuplicatePair.objects.filter(artist=artist, verdict=DuplicatePair.Verdict.OPEN).count()


def bitrate(track: Track) -> float | None:
    """Kilobits a second of the file as a whole; None when its size or length is not known."""
    if not track.size_bytes or not track.duration:
        return None
    return track.size_bytes * 8 / track.duration / 1000
