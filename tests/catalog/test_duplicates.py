"""Recordings that came in twice: found by sound, decided by the artist, nothing lost on the way."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog import duplicates, matching
from catalog.audio.copies import Shelf, pairs_among, shared_with
from catalog.audio.fingerprint import fingerprint
from catalog.models import Artist, DuplicatePair, Fingerprint, Playlist, PlaylistEntry, Track
from tests import sounds
from tests.catalog.test_api_problems import problem
from tests.catalog.test_audio_fingerprint import music
from tests.people import collaborator, owner
from tests.rows import ready_track

pytestmark = pytest.mark.django_db

KIND = DuplicatePair.Kind


def heard(artist: Artist, title: str, samples: np.ndarray, **fields: Any) -> Track:
    """A ready track with the fingerprint of these samples."""
    track = ready_track(artist, title, **fields)
    Fingerprint.objects.create(track=track, data=fingerprint(samples, sounds.RATE).astype("<u4").tobytes())
    return track


def named(artist: Artist, title: str, **fields: Any) -> Track:
    """A row of a collection without audio."""
    return Track.objects.create(artist=artist, title=title, status=Track.METADATA, **fields)


def pairs(artist: Artist) -> set[tuple[str, str, str]]:
    return {(pair.kind, pair.first.title, pair.second.title) for pair in duplicates.pairs_of(artist)} | {
        (pair.kind, pair.second.title, pair.first.title) for pair in duplicates.pairs_of(artist)
    }


def test_failure_11_a_renamed_copy_is_found_and_two_of_one_name_are_not(tmp_path: Path) -> None:
    """The upload check was by file name: a renamed copy passed, two different "Untitled.wav" collided."""
    artist = owner().artist
    one = music(1)
    heard(artist, "Anthem", one, filename="anthem.wav")
    heard(artist, "New name", one[:, 3 * sounds.RATE :] * 0.4, filename="zz_final_2.mp3", seed=1)
    heard(artist, "Untitled", music(2), filename="Untitled.wav", seed=2)
    heard(artist, "Untitled", music(3), filename="Untitled.wav", seed=3)
    assert duplicates.find(artist) == 1
    assert (KIND.NEAR, "Anthem", "New name") in pairs(artist)
    assert Track.objects.of(artist).count() == 4


def test_failure_11_the_same_audio_in_another_file_is_one_pair_and_none_is_deleted() -> None:
    artist = owner().artist
    first = ready_track(artist, "Anthem", audio_sha256="a" * 64)
    ready_track(artist, "Other", seed=2)
    refused = ready_track(artist, "Anthem again", status=Track.FAILED, duplicate_of=first, audio_sha256="")
    assert duplicates.find(artist) == 1
    (pair,) = duplicates.pairs_of(artist)
    assert pair.kind == KIND.AUDIO
    assert {pair.first_id, pair.second_id} == {first.pk, refused.pk}
    assert duplicates.find(artist) == 0, "a second look finds nothing new"


def test_a_new_track_is_compared_with_the_old_ones_only_once() -> None:
    artist = owner().artist
    one = music(1)
    heard(artist, "First", one)
    assert duplicates.find(artist) == 0
    heard(artist, "Second", one, seed=2)
    assert duplicates.find(artist) == 1
    artist.refresh_from_db()
    DuplicatePair.objects.all().delete()
    assert duplicates.find(artist) == 0, "both were compared before"


def test_rows_known_by_name_only_pair_by_name_and_length() -> None:
    artist = owner().artist
    named(artist, "Deep Water (Original Mix)", credit="Ana", duration=301.0)
    named(artist, "DEEP WATER", credit="Ana", duration=300.0)
    named(artist, "Deep Water", credit="Somebody else", duration=300.0)
    named(artist, "Deep Water", credit="Ana", duration=200.0)
    named(artist, "Intro")
    named(artist, "Intro")
    assert duplicates.find(artist) == 1
    (pair,) = duplicates.pairs_of(artist)
    assert pair.kind == KIND.NAME
    assert {pair.first.duration, pair.second.duration} == {301.0, 300.0}


def test_not_the_same_is_remembered() -> None:
    me = owner()
    one = music(1)
    heard(me.artist, "Mix", one)
    heard(me.artist, "Master", one, seed=2)
    duplicates.find(me.artist)
    (pair,) = duplicates.pairs_of(me.artist)
    answer = me.page.post(reverse("catalog:duplicate", args=[pair.pk]), {"verdict": "different"}, follow=True)
    assert "kept as two recordings" in answer.content.decode()
    Artist.objects.update(settings={})
    me.artist.refresh_from_db()
    assert duplicates.find(me.artist) == 0
    assert duplicates.open_count(me.artist) == 0
    assert b"Decide Again" in me.page.get(reverse("catalog:duplicates"), {"verdict": "different"}).content


def pair_of(artist: Artist, **goes: Any) -> tuple[DuplicatePair, Track, Track]:
    stays, other = ready_track(artist, "Stays", seed=1), ready_track(artist, "Goes", seed=2, **goes)
    first, second = sorted((stays, other), key=lambda track: track.pk)
    pair = DuplicatePair.objects.create(artist=artist, first=first, second=second, kind=KIND.NEAR)
    return pair, stays, other


def test_keeping_one_carries_over_what_the_other_knew() -> None:
    me = owner()
    day = datetime.date(2020, 1, 2)
    pair, stays, goes = pair_of(
        me.artist,
        bpm_override=174.0,
        bpm_locked=True,
        genre_override="Jungle",
        plays=5,
        rating=4,
        added_on=day,
        imported_id="77",
        imported={"title": "Goes"},
    )
    Track.objects.filter(pk=stays.pk).update(plays=3, rating=5, genre_override="Grime")
    playlist = Playlist.objects.create(artist=me.artist, name="Peak", source="rekordbox")
    PlaylistEntry.objects.create(playlist=playlist, track=goes, position=1)
    file = goes.file
    asked = me.page.get(reverse("catalog:duplicate-keep", args=[pair.pk, stays.pk])).content.decode()
    assert "your BPM" in asked
    assert "genre Jungle" in asked, "what is lost is said before"
    me.page.post(reverse("catalog:duplicate-keep", args=[pair.pk, stays.pk]))
    stays.refresh_from_db()
    assert (stays.bpm_override, stays.bpm_locked, stays.genre_override) == (174.0, True, "Grime")
    assert (stays.plays, stays.rating, stays.added_on, stays.imported_id) == (8, 5, day, "77")
    assert playlist.entries.get().track_id == stays.pk
    assert not Track.objects.filter(pk=goes.pk).exists()
    assert not file.exists()
    assert not DuplicatePair.objects.exists()


def test_a_row_without_audio_is_not_kept_over_one_with_audio() -> None:
    me = owner()
    sound = ready_track(me.artist, "Sound")
    name = named(me.artist, "Sound", duration=sound.duration)
    duplicates.find(me.artist)
    (pair,) = duplicates.pairs_of(me.artist)
    with pytest.raises(duplicates.Undecidable, match="no audio"):
        duplicates.keep(pair, name.pk)
    answer = me.api.post(f"/api/duplicates/{pair.pk}/", {"keep": name.pk}, content_type="application/json")
    assert problem(answer, 409)["type"].endswith(":cannot-keep")
    assert Track.objects.of(me.artist).count() == 2
    assert me.api.post(
        f"/api/duplicates/{pair.pk}/", {"keep": sound.pk}, content_type="application/json"
    ).json() == {"pair": None, "kept": sound.pk}


def test_pairs_over_http() -> None:
    me = owner()
    pair, stays, _ = pair_of(me.artist)
    (row,) = me.api.get("/api/duplicates/?verdict=open").json()["results"]
    assert (row["id"], row["kind"], row["verdict"]) == (pair.pk, "near", "open")
    assert stays.pk in (row["first"]["id"], row["second"]["id"])
    address = f"/api/duplicates/{pair.pk}/"
    both = {"verdict": "different", "keep": stays.pk}
    assert problem(me.api.post(address, both, content_type="application/json"), 400)
    answer = me.api.post(address, {"verdict": "different"}, content_type="application/json").json()
    assert answer["pair"]["verdict"] == "different"
    assert me.api.get("/api/duplicates/?verdict=open").json()["count"] == 0


def test_failure_15_every_catalog_page_and_query_is_the_owners() -> None:
    me, other = owner(), collaborator()
    one = music(1)
    heard(me.artist, "Mine", one)
    theirs = heard(other.artist, "Theirs", one)
    assert duplicates.find(me.artist) == duplicates.find(other.artist) == 0, (
        "nothing is compared across artists"
    )
    pair, stays, _ = pair_of(me.artist)
    assert b"Stays" not in other.page.get(reverse("catalog:duplicates")).content
    for name, args in (("duplicate", [pair.pk]), ("duplicate-keep", [pair.pk, stays.pk])):
        assert (
            other.page.post(reverse(f"catalog:{name}", args=args), {"verdict": "different"}).status_code
            == 404
        )
    assert me.page.get(reverse("catalog:duplicate-keep", args=[pair.pk, theirs.pk])).status_code == 404
    for path in ("duplicates/", "tracks/"):
        named_by_query = other.api.get(f"/api/{path}?user=owner&user_id={me.artist.pk}&artist={me.artist.pk}")
        assert "Stays" not in named_by_query.content.decode()
    pair.refresh_from_db()
    assert pair.verdict == "open"


def test_the_page_pairs_with_words_and_is_empty_with_words() -> None:
    me = owner()
    assert "Your catalog is empty" in me.page.get(reverse("catalog:duplicates")).content.decode()
    pair_of(me.artist, plays=3)
    page = me.page.get(reverse("catalog:duplicates")).content.decode()
    assert "1 pair of tracks" in page
    assert page.count(">Keep This One<") == 2
    assert "<td>3</td>" in page, "what differs stands side by side"
    assert "Alike: length 0:08" in page


def test_pairs_among_many_are_those_that_share_sound() -> None:
    sounding = [(f"t{i}", fingerprint(music(i, 16), sounds.RATE)) for i in range(8)]
    copy = fingerprint(music(3, 16)[:, 2 * sounds.RATE :] * 0.3, sounds.RATE)
    whole = Shelf.of([*sounding, ("copy", copy)])
    (found,) = pairs_among([lambda: whole])
    assert (found.first, found.second) == ("t3", "copy")
    assert found.passage.seconds == pytest.approx(14, abs=1)
    # The same from one shelf after another, whichever of them is new.
    parts = [lambda part=part: Shelf.of(part) for part in (sounding[:3], sounding[3:6], [("copy", copy)])]
    for new, known, pair in (
        (parts, [], ("t3", "copy")),
        (parts[2:], parts[:2], ("copy", "t3")),
        (parts[1:2], parts[2:], ("t3", "copy")),
    ):
        assert [(one.first, one.second) for one in pairs_among(new, known)] == [pair]
    assert list(pairs_among(parts[:1], parts[2:])) == []


def test_a_recording_that_repeats_one_bar_is_known_again_in_a_noisy_copy() -> None:
    # The bar is as long as whole frames, so that every repeat has the same numbers.
    marks = {
        name: np.tile(fingerprint(music(seed), sounds.RATE)[:43], 90)
        for name, seed in (("loop", 5), ("other", 6))
    }
    random = np.random.default_rng(1)
    flips = random.random((len(marks["loop"]), 32)) < 0.02
    marks["noisy"] = marks["loop"] ^ (flips @ (np.uint32(1) << np.arange(32, dtype=np.uint32))).astype(
        np.uint32
    )
    whole = Shelf.of(marks.items())
    (pair,) = pairs_among([lambda: whole])
    assert (pair.first, pair.second) == ("loop", "noisy")
    assert pair.passage.covered > 0.9
    (found,) = shared_with([marks["noisy"]], Shelf.of([("loop", marks["loop"]), ("other", marks["other"])]))
    assert found.id == "loop" and found.covered > 0.9


def test_what_was_compared_counts_only_once_its_pairs_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    artist = owner().artist
    one = music(1)
    heard(artist, "First", one)
    heard(artist, "Second", one, seed=2)

    def dies(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Artist, "save", dies)
        with pytest.raises(SystemExit):
            duplicates.find(artist)
    assert not DuplicatePair.objects.exists(), "the pairs and the mark stand or fall together"
    assert duplicates.find(Artist.objects.get(pk=artist.pk)) == 1


def test_a_track_that_goes_while_its_pair_is_looked_for_makes_no_pair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artist = owner().artist
    one = music(1)
    heard(artist, "First", one)
    gone = heard(artist, "Second", one, seed=2)
    heard(artist, "Third", one, seed=3)
    names = duplicates._same_name

    def meanwhile(artist: Artist) -> Iterator[Any]:
        Track.objects.filter(pk=gone.pk).delete()
        return names(artist)

    monkeypatch.setattr(duplicates, "_same_name", meanwhile)
    assert duplicates.find(artist) == 1
    assert pairs(artist) == {(KIND.NEAR, "First", "Third"), (KIND.NEAR, "Third", "First")}


def test_one_new_track_is_compared_shelf_by_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    artist = owner().artist
    for seed in range(1, 6):
        heard(artist, f"Loop {seed}", music(seed), seed=seed)
    monkeypatch.setattr(matching, "ON_A_SHELF", 2)
    assert duplicates.find(artist) == 0
    heard(artist, "Again", music(2), seed=9)
    sizes: list[int] = []
    whole = Shelf.of.__func__  # type: ignore[attr-defined]

    def counted(cls: type[Shelf], rows: Any) -> Shelf:
        made: Shelf = whole(cls, rows)
        sizes.append(len(made.ids))
        return made

    monkeypatch.setattr(Shelf, "of", classmethod(counted))
    assert duplicates.find(artist) == 1
    assert sizes == [1, 2, 2, 1]
    sizes.clear()
    found = matching.passages(music(4), sounds.RATE, artist)
    assert [(one.title, one.kind) for one in found] == [("Loop 4", "recording")]
    assert sizes == [2, 2, 2]


def test_a_typed_title_that_goes_is_named_before() -> None:
    _, stays, goes = pair_of(owner().artist, settled_title=True)
    assert duplicates.lost(stays, goes) == [], "the kept one takes it over"
    stays.settled_title = True
    assert duplicates.lost(stays, goes) == ["title “Goes”"]


def test_pairs_are_listed_without_what_was_measured() -> None:
    """The page plays the recordings, so it has their waveforms, and nothing else that is large."""
    me = owner()
    pair_of(me.artist)
    listed = {
        "/api/duplicates/": (me.api, ["peaks", "document"]),
        "/catalog/duplicates/": (me.page, ["document"]),
    }
    for address, (client, large) in listed.items():
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        read = [query["sql"] for query in asked if "duplicatepair" in query["sql"]]
        assert read and not [sql for sql in read for name in large if f'"{name}"' in sql]
