"""Recordings that came in twice: found by sound, decided by the artist, nothing lost on the way."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.urls import reverse

from catalog import duplicates
from catalog.audio.copies import Shelf, pairs_among
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
    found = list(pairs_among(Shelf.of([*sounding, ("copy", copy)])))
    assert [(pair.first, pair.second) for pair in found] == [("t3", "copy")]
    assert found[0].passage.seconds == pytest.approx(14, abs=1)
    assert list(pairs_among(Shelf.of([*sounding, ("copy", copy)]), asked=[0, 1])) == []
