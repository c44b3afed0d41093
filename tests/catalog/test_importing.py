"""Collections in the database: what an import creates, changes and never touches."""

from __future__ import annotations

import io
import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from catalog import bulk, duplicates, importing, intake, jobs, questions, snapshots
from catalog.imports import ImportRefused
from catalog.listening import listen
from catalog.models import Artist, DuplicatePair, Import, Playlist, PlaylistEntry, Track
from tests.collections import collection, folder, playlist, track
from tests.people import collaborator, owner
from tests.rows import loop_bytes, ready_track

pytestmark = pytest.mark.django_db

numbers = itertools.count(1)


def submitted(artist: Artist, text: str | bytes, filename: str = "rekordbox.xml") -> Import:
    data = text if isinstance(text, bytes) else text.encode()
    return importing.submit(artist, stream=io.BytesIO(data), filename=filename)


def taken(artist: Artist, text: str | bytes, filename: str = "rekordbox.xml") -> dict[str, Any]:
    """Import and read at once; the report."""
    row = submitted(artist, text, filename)
    importing.read_collection(row.pk)
    row.refresh_from_db()
    assert row.status == Import.READY, row.error
    assert not row.path
    return row.report


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: number for name, number in report["counts"].items() if number}


def upload(artist: Artist, filename: str, data: bytes | None = None) -> Track:
    data = loop_bytes(seed=next(numbers)) if data is None else data
    return intake.accept(artist, stream=io.BytesIO(data), filename=filename).track


def one(artist: Artist, **where: Any) -> Track:
    return Track.objects.of(artist).get(**where)


# --- rows without audio ---


def test_what_is_known_by_name_only_is_a_track_with_everything_the_collection_says() -> None:
    me = owner().artist
    report = taken(me, collection(track(1), track(2, AverageBpm="0.00")))
    assert counts(report) == {"read": 2, "created": 2, "metadata_only": 2}
    known = one(me, imported_id="1")
    assert (known.status, known.path, known.origin) == (Track.METADATA, "", Track.Origin.REKORDBOX)
    assert (known.title, known.credit, known.genres) == ("Tune 1", "Ossa", ["Dubstep"])
    assert (known.bpm, known.key.name, known.duration) == (140.0, "Ab minor", 181.0)
    assert (known.plays, known.rating, str(known.added_on)) == (3, 4, "2021-03-04")
    assert known.imported["location"] == "/Users/dj/Music/tune 1.mp3"
    assert known.is_over
    assert one(me, imported_id="2").bpm is None


def test_failure_13_a_second_import_of_the_same_file_changes_nothing() -> None:
    me = owner().artist
    text = collection(
        *map(track, range(1, 30)), track(30, Name=""), playlists=folder("Sets", playlist("Night", 1, 2))
    )
    taken(me, text)
    before = list(Track.objects.of(me).order_by("pk").values())
    again = taken(me, text)
    assert counts(again) == {"read": 30, "unchanged": 30, "metadata_only": 30, "playlists": 1}
    assert list(Track.objects.of(me).order_by("pk").values()) == before
    assert again["lists"]["playlists"][0]["fate"] == "unchanged"


def test_failure_13_a_new_import_changes_what_collections_say_and_nothing_else() -> None:
    """The earlier importer replaced rows whole, and with them analysis and corrections."""
    me = owner().artist
    heard = ready_track(me, "Own title", filename="tune 1.mp3", size_bytes=1_000_001, settled_title=True)
    taken(me, collection(track(1), track(2)))
    intake.correct(heard, bpm=141.5, genre="Grime")
    metadata = one(me, imported_id="2")
    intake.correct(metadata, title="Typed", key="4A")
    before = Track.objects.values().get(pk=heard.pk)
    changed = collection(
        track(1, Name="Other", AverageBpm="70.00", PlayCount=9), track(2, Name="Other", Tonality="C")
    )
    report = taken(me, changed)
    assert counts(report) == {"read": 2, "updated": 2, "matched": 1, "metadata_only": 1}
    after = Track.objects.values().get(pk=heard.pk)
    differ = {name for name in after if after[name] != before[name]}
    assert differ == {"imported", "imported_bpm", "plays"}
    assert (after["imported_bpm"], after["plays"], after["bpm_override"]) == (70.0, 9, 141.5)
    metadata.refresh_from_db()
    assert (metadata.title, metadata.key_override, metadata.imported_key) == ("Typed", "F minor", "C major")
    assert metadata.key.name == "F minor"


def test_a_row_that_stands_twice_is_one_track_as_it_is_said_last() -> None:
    me = owner().artist
    report = taken(me, collection(track(1), track(1, Name="Last")))
    assert counts(report) == {"read": 2, "created": 1, "metadata_only": 1, "warnings": 1}
    assert one(me).title == "Last"


def test_two_computers_that_number_from_one_do_not_overwrite_each_other() -> None:
    me = owner().artist
    taken(me, collection(track(1, Name="Laptop", TotalTime=200)))
    other = collection(track(1, Name="Desktop", TotalTime=300, Location="file://localhost/d/other.mp3"))
    assert counts(taken(me, other)) == {"read": 1, "created": 1, "metadata_only": 1, "warnings": 1}
    assert counts(taken(me, other)) == {"read": 1, "unchanged": 1, "metadata_only": 1}
    assert set(Track.objects.of(me).values_list("title", flat=True)) == {"Laptop", "Desktop"}


def test_a_rebuilt_database_with_new_ids_finds_its_tracks_again() -> None:
    me = owner().artist
    taken(me, collection(track(1)))
    same = "file://localhost/Users/dj/Music/tune%201.mp3"
    assert counts(taken(me, collection(track(901, Name="Tune 1", Location=same)))) == {
        "read": 1,
        "updated": 1,
        "metadata_only": 1,
    }
    assert one(me).imported_id == "901"


def test_a_rebuilt_database_that_gives_old_ids_to_other_tracks_doubles_nothing() -> None:
    me = owner().artist
    alpha = {"Name": "Alpha", "Location": "file://localhost/m/alpha.mp3", "TotalTime": 200, "Size": 20}
    beta = {"Name": "Beta", "Location": "file://localhost/m/beta.mp3", "TotalTime": 300, "Size": 30}
    gamma = {"Name": "Gamma", "Location": "file://localhost/m/gamma.mp3", "TotalTime": 301, "Size": 40}
    taken(me, collection(track(1, **alpha), track(2, **beta), track(3, **gamma)))
    for name, genre in (("Alpha", "Grime"), ("Beta", "House"), ("Gamma", "Techno")):
        intake.correct(one(me, title=name), genre=genre)
    rebuilt = collection(
        track(1, **beta), track(2, **gamma), track(3, **alpha), playlists=playlist("Night", 3, 1, 2)
    )
    assert counts(taken(me, rebuilt))["updated"] == 3
    for _ in range(2):
        rows = {one.title: (one.genre_override, one.imported["location"]) for one in Track.objects.of(me)}
        assert rows == {
            "Alpha": ("Grime", "/m/alpha.mp3"),
            "Beta": ("House", "/m/beta.mp3"),
            "Gamma": ("Techno", "/m/gamma.mp3"),
        }
        assert Track.objects.of(me).count() == 3
        night = Playlist.objects.get().entries.values_list("track__title", flat=True)
        assert list(night) == ["Alpha", "Beta", "Gamma"]
        assert counts(taken(me, rebuilt))["unchanged"] == 3


def test_a_rebuilt_database_of_moved_files_finds_them_by_name_size_and_length() -> None:
    me = owner().artist
    alpha = {"Name": "Alpha", "TotalTime": 200, "Size": 20}
    beta = {"Name": "Beta", "TotalTime": 300, "Size": 30}
    at = "file://localhost/{}/{}.mp3".format
    taken(me, collection(track(1, Location=at("a", "a"), **alpha), track(2, Location=at("a", "b"), **beta)))
    pks = {one.title: one.pk for one in Track.objects.of(me)}
    taken(me, collection(track(1, Location=at("z", "b"), **beta), track(2, Location=at("z", "a"), **alpha)))
    assert {one.title: one.pk for one in Track.objects.of(me)} == pks


def test_two_artists_have_collections_of_their_own() -> None:
    me, other = owner().artist, collaborator().artist
    taken(me, collection(track(1)))
    taken(other, collection(track(1, Name="Theirs")))
    assert one(me).title == "Tune 1"
    assert one(other).title == "Theirs"


def test_a_metadata_only_track_can_be_deleted() -> None:
    me = owner().artist
    taken(me, collection(track(1), playlists=playlist("Night", 1)))
    intake.withdraw(one(me))
    assert not Track.objects.exists() and not PlaylistEntry.objects.exists()
    assert Path(settings.MEDIA_ROOT).is_dir()


def test_a_duplicate_that_was_merged_does_not_come_back() -> None:
    me = owner().artist
    text = collection(track(1, Name="Same", TotalTime=200), track(2, Name="Same", TotalTime=200, PlayCount=9))
    taken(me, text)
    assert duplicates.find(me) == 1
    stays = one(me, imported_id="1")
    duplicates.keep(DuplicatePair.objects.get(), stays.pk)
    for _ in range(2):
        assert counts(taken(me, text)) == {"read": 2, "unchanged": 2, "metadata_only": 2}
    assert one(me).pk == stays.pk


def test_what_was_merged_is_not_undone_by_the_next_import() -> None:
    me = owner().artist
    first = track(1, Name="Same", TotalTime=200, Rating=51, Tonality=None, AverageBpm="0.00")
    second = {"Name": "Same", "TotalTime": 200, "Rating": 255, "DateAdded": "2019-01-01"}
    taken(me, collection(first, track(2, PlayCount=9, **second)))
    duplicates.find(me)
    duplicates.keep(DuplicatePair.objects.get(), one(me, imported_id="1").pk)
    said = one(me)
    assert (said.plays, said.rating, str(said.added_on)) == (12, 5, "2019-01-01")
    assert (said.imported_bpm, said.imported_key) == (140.0, "Ab minor")
    taken(me, collection(first, track(2, PlayCount=9, **second)))
    again = one(me)
    for name in ("plays", "rating", "added_on", "imported_bpm", "imported_key", "credit"):
        assert getattr(again, name) == getattr(said, name), name
    assert counts(taken(me, collection(first, track(2, PlayCount=20, **second))))["updated"] == 1
    assert one(me).plays == 23


# --- meeting recordings ---


def test_a_collection_finds_the_recordings_that_are_here() -> None:
    me = owner().artist
    by_size = ready_track(me, "A", seed=1, filename="Tune 1.MP3", size_bytes=1_000_001, duration=10.0)
    by_length = ready_track(me, "B", seed=2, filename="tune 2.mp3", duration=183.4)
    other = ready_track(me, "C", seed=3, filename="tune 3.mp3", duration=300.0)
    report = taken(me, collection(*map(track, (1, 2, 3))))
    assert counts(report) == {"read": 3, "created": 1, "updated": 2, "matched": 2, "metadata_only": 1}
    by_size.refresh_from_db()
    by_length.refresh_from_db()
    other.refresh_from_db()
    assert (by_size.imported_id, by_length.imported_id, other.imported_id) == ("1", "2", "")
    assert (by_size.title, by_size.origin, by_size.status) == ("Tune 1", Track.Origin.UPLOAD, Track.READY)
    assert [row["by"] for row in report["lists"]["matched"]] == ["size", "length"]
    assert by_size.bpm == by_size.analysis.bpm  # type: ignore[union-attr]


def test_of_several_recordings_the_artist_chooses() -> None:
    me = owner()
    first = ready_track(me.artist, "A", seed=1, filename="tune 1.mp3", duration=181.0)
    second = ready_track(me.artist, "B", seed=2, filename="tune 1.mp3", duration=180.0)
    text = collection(track(1), playlists=playlist("Night", 1))
    row = submitted(me.artist, text)
    importing.read_collection(row.pk)
    row.refresh_from_db()
    assert counts(row.report) == {"read": 1, "created": 1, "ambiguous": 1, "playlists": 1}
    [question] = row.report["lists"]["ambiguous"]
    assert {one["track"] for one in question["candidates"]} == {first.pk, second.pk}
    with pytest.raises(ValidationError, match="offered"):
        questions.resolve(row, entry=question["entry"], track=ready_track(me.artist, "C", seed=3).pk)
    decided = questions.resolve(row, entry=question["entry"], track=second.pk)
    assert counts(decided.report) == {"read": 1, "created": 1, "matched": 1, "playlists": 1}
    second.refresh_from_db()
    assert (second.imported_id, second.title) == ("1", "Tune 1")
    assert PlaylistEntry.objects.get().track_id == second.pk
    assert not Track.objects.filter(status=Track.METADATA).exists()
    with pytest.raises(ValidationError, match="not open"):
        questions.resolve(row, entry=question["entry"], track=first.pk)
    assert counts(taken(me.artist, text)) == {"read": 1, "unchanged": 1, "matched": 1, "playlists": 1}


def test_none_of_them_is_an_answer_that_is_remembered() -> None:
    me = owner().artist
    for number, seconds in ((1, 181.0), (2, 180.0)):
        ready_track(me, f"{number}", seed=number, filename="tune 1.mp3", duration=seconds)
    row = submitted(me, collection(track(1)))
    importing.read_collection(row.pk)
    row.refresh_from_db()
    questions.resolve(row, entry=row.report["lists"]["ambiguous"][0]["entry"], track=None)
    assert counts(taken(me, collection(track(1)))) == {"read": 1, "unchanged": 1, "metadata_only": 1}


def test_nothing_is_decided_while_the_import_reads() -> None:
    me = owner().artist
    for number, seconds in ((1, 181.0), (2, 180.0)):
        ready_track(me, f"{number}", seed=number, filename="tune 1.mp3", duration=seconds)
    row = submitted(me, collection(track(1)))
    importing.read_collection(row.pk)
    row.refresh_from_db()
    [question] = row.report["lists"]["ambiguous"]
    Import.objects.filter(pk=row.pk).update(status=Import.RUNNING)
    with pytest.raises(questions.StillReading):
        questions.resolve(row, entry=question["entry"], track=None)
    Import.objects.filter(pk=row.pk).update(status=Import.READY)
    questions.resolve(row, entry=question["entry"], track=None)


def test_a_question_whose_row_was_filled_meanwhile_is_settled() -> None:
    me = owner()
    for number, seconds in ((1, 181.0), (2, 180.0)):
        ready_track(me.artist, f"{number}", seed=number, filename="tune 1.mp3", duration=seconds)
    data = loop_bytes(seed=75)
    row = submitted(me.artist, collection(track(1, Size=len(data))))
    importing.read_collection(row.pk)
    row.refresh_from_db()
    pk = row.report["lists"]["ambiguous"][0]["entry"]
    assert upload(me.artist, "tune 1.mp3", data).pk == pk
    assert "Yours to decide" not in me.page.get(f"/catalog/imports/{row.pk}/").content.decode()
    row.refresh_from_db()
    assert row.report["lists"]["ambiguous"][0]["settled"] == pk
    assert counts(row.report) == {"read": 1, "created": 1, "matched": 1}
    with pytest.raises(ValidationError, match="not open"):
        questions.resolve(row, entry=pk, track=None)


def test_an_undecided_row_is_asked_about_again() -> None:
    me = owner().artist
    for number, seconds in ((1, 181.0), (2, 180.0)):
        ready_track(me, f"{number}", seed=number, filename="tune 1.mp3", duration=seconds)
    taken(me, collection(track(1)))
    assert counts(taken(me, collection(track(1)))) == {"read": 1, "unchanged": 1, "ambiguous": 1}


def test_recordings_of_one_name_are_not_mistaken_for_each_other() -> None:
    """Half of the world's exports are called Untitled.wav."""
    me = owner().artist
    mine = ready_track(me, "Mine", filename="Untitled.wav", duration=240.0, size_bytes=42)
    at = "file://localhost/x/Untitled.wav"
    report = taken(me, collection(track(1, Location=at, TotalTime=300), track(2, Location=at, TotalTime=100)))
    assert report["counts"]["matched"] == 0
    mine.refresh_from_db()
    assert mine.imported_id == ""


def test_an_upload_becomes_the_row_it_is_the_file_of() -> None:
    me = owner().artist
    data = loop_bytes(seed=71)
    text = collection(
        track(1, Size=len(data), Location="file://localhost/m/L%C3%B6op.WAV"), playlists=playlist("N", 1)
    )
    taken(me, text)
    row = one(me)
    intake.correct(row, genre="Grime")
    sent = upload(me, "Lo\u0308op.wav", data)
    assert sent.pk == row.pk
    assert (sent.status, sent.title, sent.genre_override) == (Track.QUEUED, "Tune 1", "Grime")
    assert sent.file.read_bytes() == data
    assert (sent.plays, sent.imported_bpm, sent.origin) == (3, 140.0, Track.Origin.UPLOAD)
    assert PlaylistEntry.objects.get().track_id == sent.pk
    listen(sent.pk)
    sent.refresh_from_db()
    assert (sent.status, sent.title) == (Track.READY, "Tune 1")
    assert sent.duration == pytest.approx(8.0, abs=0.1)
    assert counts(taken(me, text)) == {"read": 1, "unchanged": 1, "matched": 1, "playlists": 1}
    with pytest.raises(intake.Duplicate):
        upload(me, "other name.wav", data)
    with pytest.raises(intake.Duplicate):
        upload(me, "L\u00f6op.wav", data)


def test_of_two_uploads_of_one_name_one_becomes_the_row() -> None:
    me = owner().artist
    taken(me, collection(track(1, Size=None, TotalTime=None)))
    first, second = upload(me, "tune 1.mp3"), upload(me, "tune 1.mp3")
    assert (first.imported_id, second.imported_id) == ("1", "")
    assert Track.objects.of(me).count() == 2


def test_an_upload_of_another_size_is_recognised_by_its_length_once_that_is_known() -> None:
    """Tags that were written later change the size of a file, not its length."""
    me = owner().artist
    taken(me, collection(track(1, TotalTime=8), playlists=playlist("Night", 1)))
    intake.correct(one(me), key="4A")
    sent = upload(me, "tune 1.mp3")
    assert Track.objects.of(me).count() == 2
    listen(sent.pk)
    heard = one(me)
    assert (heard.pk, heard.status, heard.imported_id) == (sent.pk, Track.READY, "1")
    assert (heard.title, heard.key_override, heard.plays) == ("Tune 1", "F minor", 3)
    assert PlaylistEntry.objects.get().track_id == heard.pk


def test_a_row_of_another_length_is_left_alone() -> None:
    me = owner().artist
    taken(me, collection(track(1, TotalTime=300)))
    listen(upload(me, "tune 1.mp3").pk)
    assert sorted(Track.objects.of(me).values_list("status", flat=True)) == ["metadata", "ready"]


def test_a_name_whose_letters_fold_to_others_is_found() -> None:
    me = owner().artist
    taken(me, collection(track(1, Size=None, TotalTime=None, Location="file://localhost/m/Stra%C3%9Fe.wav")))
    assert upload(me, "STRASSE.wav").imported_id == "1"


def test_what_is_sent_on_the_page_of_a_row_becomes_it_whatever_it_is_called() -> None:
    me = owner()
    taken(me.artist, "Title,Artist\nNo file,Ossa\n", "list.csv")
    taken(collaborator().artist, "Title,Artist\nTheirs,Ossa\n", "list.csv")
    mine, theirs = one(me.artist), Track.objects.exclude(artist=me.artist).get()
    assert f'name="row" value="{mine.pk}"' in me.page.get(mine.get_absolute_url()).content.decode()
    for row in (theirs, mine, mine):
        file = SimpleUploadedFile("export 7.wav", loop_bytes(seed=next(numbers)))
        me.page.post("/catalog/", {"files": file, "row": row.pk, "rights": "yes"})
    theirs.refresh_from_db()
    mine.refresh_from_db()
    assert (theirs.status, mine.status, mine.title) == (Track.METADATA, Track.QUEUED, "No file")
    assert Track.objects.of(me.artist).count() == 3


def test_a_row_without_a_file_name_is_found_by_title_artist_and_length() -> None:
    me = owner().artist
    taken(me, "Title,Artist,Time\nL\u00d6op,OSSA,0:08\nOther,Ossa,0:08\nLoop,Ossa,0:20\n", "list.csv")
    sent = upload(me, "x.wav")
    Track.objects.filter(pk=sent.pk).update(title="Lo\u0308op", credit="Ossa")
    listen(sent.pk)
    sent.refresh_from_db()
    assert (sent.status, sent.imported["title"]) == (Track.READY, "L\u00d6op")
    assert Track.objects.of(me).count() == 3


def test_a_list_without_file_names_finds_recordings_by_title_artist_and_length() -> None:
    me = owner().artist
    mine = ready_track(me, "L\u00d6op", seed=1, duration=181.0, tags={"artist": "Ossa"})
    ready_track(me, "Other", seed=2, duration=300.0, tags={"artist": "Ossa"})
    for number in (3, 4):
        ready_track(me, "Twice", seed=number, duration=100.0, credit="Ossa")
    text = "Title,Artist,Time\nlo\u0308op,OSSA,3:00\nOther,Ossa,3:00\nTwice,Ossa,1:40\n"
    report = taken(me, text, "list.csv")
    assert counts(report) == {
        "read": 3,
        "created": 2,
        "updated": 1,
        "matched": 1,
        "ambiguous": 1,
        "metadata_only": 1,
    }
    [row] = report["lists"]["matched"]
    assert (row["track"], row["by"]) == (mine.pk, "title")


def test_a_recording_that_is_taken_away_leaves_the_row_of_the_collection() -> None:
    me = owner()
    data = loop_bytes(seed=72)
    text = collection(track(1, Size=len(data)), playlists=playlist("Night", 1))
    taken(me.artist, text)
    before = {name: value for name, value in Track.objects.values().get().items() if name != "version"}
    sent = upload(me.artist, "tune 1.mp3", data)
    jobs.cancel(sent)
    file = sent.file
    assert "known by name again" in me.page.get(f"/catalog/tracks/{sent.pk}/delete/").content.decode()
    me.page.post(f"/catalog/tracks/{sent.pk}/delete/")
    assert not file.exists()
    after = Track.objects.values().get()
    said = (
        "id",
        "status",
        "path",
        "filename",
        "awaited",
        "origin",
        "imported",
        "imported_id",
        "plays",
        "duration",
    )
    assert {name: after[name] for name in said} == {name: before[name] for name in said}
    assert PlaylistEntry.objects.count() == 1
    again = upload(me.artist, "tune 1.mp3", data)
    assert (again.pk, again.status) == (sent.pk, Track.QUEUED)
    me.page.post(f"/catalog/tracks/{sent.pk}/delete/", {"row": "1"})
    assert not Track.objects.exists()


def test_a_matched_file_that_cannot_be_heard_weighs_as_its_row_did() -> None:
    me = owner().artist
    data = loop_bytes(seed=73)
    taken(me, collection(track(1, Size=len(data))))
    sent = upload(me, "tune 1.mp3", data)
    Track.objects.filter(pk=sent.pk).update(status=Track.FAILED)
    [member] = snapshots.members(me)
    assert (member.pk, member.bpm) == (sent.pk, 140.0)


def test_the_bulk_deletion_leaves_rows_of_the_collection_too() -> None:
    me = owner().artist
    data = loop_bytes(seed=74)
    taken(me, collection(track(1, Size=len(data))))
    pks = [upload(me, "tune 1.mp3", data).pk, upload(me, "other.wav").pk]
    assert bulk.withdraw(me, pks) == 2
    assert (one(me).imported_id, one(me).status) == ("1", Track.METADATA)


# --- lists beside Rekordbox ---


def test_a_list_adds_to_what_rekordbox_said_and_does_not_speak_against_it() -> None:
    me = owner().artist
    taken(me, collection(track(1, Genre=None), track(2)))
    table = "Title,Location,Genre,BPM\nTUNE,/Users/dj/Music/tune 1.mp3,Grime,99\nNew,/Users/dj/Music/new.mp3,,120\n"
    report = taken(me, table, "list.csv")
    assert counts(report) == {"read": 2, "created": 1, "updated": 1, "metadata_only": 2}
    first = one(me, imported_id="1")
    assert (first.title, first.bpm, first.genre) == ("Tune 1", 140.0, "Grime")
    assert counts(taken(me, table, "list.csv")) == {"read": 2, "unchanged": 2, "metadata_only": 2}
    assert one(me, title="New").origin == Track.Origin.LIST


def test_a_list_that_says_less_takes_nothing_back() -> None:
    me = owner().artist
    full = "Title,Location,Genre,BPM,Rating\nOne,/m/one.mp3,Grime,140,4\n"
    taken(me, full, "full.csv")

    def said() -> tuple[Any, ...]:
        row = one(me)
        return row.title, row.genre, row.imported_bpm, row.rating, row.duration

    taken(me, "#EXTM3U\n#EXTINF:200,Other name\n/m/one.mp3\n", "a.m3u")
    assert said() == ("One", "Grime", 140.0, 4, None)
    assert one(me).imported["duration"] == 200.0
    taken(me, "Location,BPM\n/m/one.mp3,141\n", "fewer.csv")
    assert said() == ("One", "Grime", 141.0, 4, 200.0)
    taken(me, "Title,Location,Genre\nOne,/m/one.mp3,\n", "empty.csv")
    assert said() == ("One", "", 141.0, 4, 200.0)


def test_a_row_deleted_while_its_collection_is_read_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    me = owner().artist
    text = collection(track(1), track(2), track(3), playlists=playlist("Night", 1, 2, 3))
    write = importing.Collection.write

    def delete_one(self: Any, entries: Any) -> None:
        write(self, entries)
        intake.withdraw(one(me, imported_id="2"))

    monkeypatch.setattr(importing.Collection, "write", delete_one)
    assert counts(taken(me, text))["playlists"] == 1
    assert PlaylistEntry.objects.count() == 2


def test_a_merged_row_deleted_while_its_collection_is_read_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = owner().artist
    text = collection(track(1, Name="Same", TotalTime=200), track(2, Name="Same", TotalTime=200))
    taken(me, text)
    duplicates.find(me)
    duplicates.keep(DuplicatePair.objects.get(), one(me, imported_id="1").pk)
    write = importing.Collection.write

    def delete_first(self: Any, entries: Any) -> None:
        Track.objects.of(me).delete()
        write(self, entries)

    monkeypatch.setattr(importing.Collection, "write", delete_first)
    assert counts(taken(me, text))["created"] == 2


def test_a_long_place_in_any_script_is_stored_and_found_again() -> None:
    """PostgreSQL's index holds 2,704 bytes of a playlist's place, and four for each of these letters."""
    me = owner().artist
    rng = random.Random(3)
    name, place = (
        "".join(chr(rng.randrange(0x20000, 0x2A000)) for _ in range(count)) for count in (300, 600)
    )
    listed = playlist(name, 1) + playlist(name, 1)
    for fates in (["created", "created"], ["unchanged", "unchanged"]):
        report = taken(me, collection(track(1), playlists=folder(place, listed)))
        assert [one["fate"] for one in report["lists"]["playlists"]] == fates
    one, two = Playlist.objects.filter(artist=me)
    assert two.name == f"{one.name} (2)"
    assert len(f"{two.folder}{two.name}".encode()) < 2600
    assert name.startswith(one.name) and place.startswith(one.folder) and len(one.name) > 150


def test_a_playlist_file_names_tracks_that_are_known() -> None:
    me = owner().artist
    taken(me, collection(track(1), track(2)))
    text = "#EXTM3U\n#EXTINF:182,Ossa - Tune 2\nD:/other root/tune 2.mp3\n/Users/dj/Music/tune 1.mp3\n"
    report = taken(me, text, "Night.m3u8")
    assert counts(report) == {"read": 2, "unchanged": 2, "metadata_only": 2, "playlists": 1}
    assert Track.objects.of(me).count() == 2
    night = Playlist.objects.get(artist=me)
    assert (night.name, night.source) == ("Night", Import.Source.M3U)
    assert list(night.entries.values_list("track__imported_id", flat=True)) == ["2", "1"]


def test_a_rekordbox_import_after_a_list_takes_its_rows_over() -> None:
    me = owner().artist
    taken(me, "#EXTM3U\n/Users/dj/Music/tune 1.mp3\n", "a.m3u")
    assert counts(taken(me, collection(track(1)))) == {"read": 1, "updated": 1, "metadata_only": 1}
    assert (one(me).imported_id, one(me).origin, one(me).title) == ("1", Track.Origin.REKORDBOX, "Tune 1")
    assert counts(taken(me, "#EXTM3U\n/Users/dj/Music/tune 1.mp3\n", "a.m3u"))["unchanged"] == 1


def test_playlists_follow_their_collection() -> None:
    me = owner().artist
    tracks = (track(1), track(2))
    taken(me, collection(*tracks, playlists=folder("Sets", playlist("Night", 1, 2, 1, 99))))
    assert str(Playlist.objects.get()) == "Sets / Night"
    assert PlaylistEntry.objects.count() == 3
    report = taken(
        me, collection(*tracks, playlists=folder("Sets", playlist("Night", 2), playlist("Night", 1)))
    )
    assert [(one["name"], one["fate"], one["tracks"]) for one in report["lists"]["playlists"]] == [
        ("Night", "updated", 1),
        ("Night (2)", "created", 1),
    ]


def test_two_files_called_playlist_are_two_playlists() -> None:
    me = owner().artist
    text = "#EXTM3U\n/a/1.mp3\n/a/2.mp3\n"
    other = "#EXTM3U\n/b/1.mp3\n/b/3.mp3\n"
    for one_file in (text, other, text + "/a/4.mp3\n", other):
        taken(me, one_file, "playlist.m3u")
    assert {one.name: one.entries.count() for one in Playlist.objects.all()} == {
        "playlist": 3,
        "playlist (2)": 2,
    }


def test_playlists_that_left_the_collection_go_and_others_stay() -> None:
    me = owner()
    taken(collaborator().artist, collection(track(1), playlists=playlist("Old", 1)))
    taken(me.artist, collection(track(1), playlists=playlist("Old", 1) + playlist("Night", 1)))
    taken(me.artist, "#EXTM3U\n/Users/dj/Music/tune 1.mp3\n", "Walk.m3u")
    row = submitted(me.artist, collection(track(1), playlists=playlist("Night", 1)))
    importing.read_collection(row.pk)
    row.refresh_from_db()
    fates = [(one["name"], one["fate"]) for one in row.report["lists"]["playlists"]]
    assert fates == [("Night", "unchanged"), ("Old", "removed")]
    assert row.report["counts"]["playlists"] == 1
    assert set(Playlist.objects.filter(artist=me.artist).values_list("name", flat=True)) == {"Night", "Walk"}
    assert Playlist.objects.filter(name="Old").count() == 1
    assert "removed, not in this file" in me.page.get(f"/catalog/imports/{row.pk}/").content.decode()


# --- the job ---


def test_failure_16_the_request_stores_and_queues_and_reads_nothing() -> None:
    me = owner().artist
    row = submitted(me, collection(track(1)))
    assert (row.status, row.source, row.file.is_file()) == (Import.QUEUED, "rekordbox", True)
    assert not Track.objects.exists()
    assert submitted(me, collection(track(1))).pk == row.pk  # a second click


def test_failure_16_a_file_that_breaks_off_changes_nothing_and_the_worker_lives() -> None:
    me = owner().artist
    row = submitted(me, collection(*map(track, range(1, 900)))[:-30])
    assert importing.read_collection(row.pk) == "refused: truncated"
    row.refresh_from_db()
    assert row.status == Import.FAILED
    assert "was cut off" in row.error
    assert not Track.objects.exists() and not row.path
    assert row.report["code"] == "truncated"
    assert not importing.retry(row)
    assert importing.read_collection(submitted(me, collection(track(1))).pk) == "ready"


def test_failure_16_progress_is_told_and_a_cancelled_import_goes_on_where_it_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = owner().artist
    monkeypatch.setattr(importing, "BATCH", 10)
    text = collection(
        *map(track, range(1, 41)), track(41, Name="", Location=None), playlists=playlist("N", 1, 40)
    )
    row = submitted(me, text)
    told: list[tuple[float, str]] = []
    report = jobs.Lease.report

    def watch(self: jobs.Lease, progress: float, stage: str = "") -> None:
        told.append((progress, stage))
        if stage == "20 of 41 tracks read":
            importing.cancel(Import.objects.get(pk=row.pk))
        report(self, progress, stage)

    monkeypatch.setattr(jobs.Lease, "report", watch)
    assert importing.read_collection(row.pk) == "cancelled"
    assert [stage for _, stage in told][:3] == [
        "Looking through the file",
        "Reading 41 tracks",
        "10 of 41 tracks read",
    ]
    assert [progress for progress, _ in told] == sorted(progress for progress, _ in told)
    assert Track.objects.of(me).count() == 20
    row.refresh_from_db()
    assert row.status == Import.CANCELLED
    assert importing.retry(row)
    monkeypatch.setattr(jobs.Lease, "report", report)
    assert importing.read_collection(row.pk) == "ready"
    row.refresh_from_db()
    assert counts(row.report) == {
        "read": 41,
        "created": 40,
        "metadata_only": 40,
        "rejected": 1,
        "playlists": 1,
    }
    assert PlaylistEntry.objects.count() == 2


def test_failure_16_a_killed_worker_leaves_whole_batches_and_another_finishes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = owner().artist
    monkeypatch.setattr(importing, "BATCH", 10)
    row = submitted(me, collection(*map(track, range(1, 31)), track(5, Name="Twice")))
    write = importing.Collection.write

    def die(self: Any, entries: Any) -> None:
        write(self, entries)
        if self.report.position > 15:
            raise SystemExit  # as a kill: nothing after it runs

    monkeypatch.setattr(importing.Collection, "write", die)
    with pytest.raises(SystemExit):
        importing.read_collection(row.pk)
    monkeypatch.setattr(importing.Collection, "write", write)
    assert Track.objects.of(me).count() == 10
    Import.objects.filter(pk=row.pk).update(worker="elsewhere|1|1", beat=timezone.now() - 2 * jobs.LEASE)
    assert importing.recover() == 1
    assert importing.read_collection(row.pk) == "ready"
    row.refresh_from_db()
    assert counts(row.report) == {"read": 31, "created": 30, "metadata_only": 30, "warnings": 1}
    assert importing.read_collection(row.pk) == "not ours"


def test_a_refusal_keeps_the_counts_of_what_was_read_before() -> None:
    me = owner().artist
    row = submitted(me, collection(track(1)))
    Import.objects.filter(pk=row.pk).update(report={"position": 1, "counts": {"read": 1}, "lists": {}})
    row.file.write_bytes(b"<DJ_PLAYLISTS>")
    assert importing.read_collection(row.pk) == "refused: truncated"
    row.refresh_from_db()
    assert (row.report["counts"], row.report["code"]) == ({"read": 1}, "truncated")


def test_a_kind_nobody_reads_is_refused_at_the_door() -> None:
    me = owner().artist
    for data, code in ((b"", "empty"), (loop_bytes(), "unsupported"), (b"SQLite format 3\0", "database")):
        with pytest.raises(ImportRefused) as refused:
            submitted(me, data, "file")
        assert refused.value.code == code
    assert not Import.objects.exists()
    assert not list((Path(settings.MEDIA_ROOT) / "imports").glob("*incoming*"))


def test_what_no_row_names_is_swept_away() -> None:
    import os

    me = owner().artist
    row = submitted(me, collection(track(1)))
    stray = row.file.with_name("imp_gone.xml")
    stray.write_text("x")
    for file in (stray, row.file):
        os.utime(file, (0, 0))
    assert importing.sweep(every=-1.0) == 1
    assert row.file.is_file() and not stray.exists()


# --- the command ---


def test_the_command_imports_and_prints_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    me = owner().artist
    path = tmp_path / "c.xml"
    path.write_text(collection(track(1), track(2, Tonality="Q#")))
    call_command("import_rekordbox", str(path), "--artist", me.user.username)
    said = capsys.readouterr().out
    assert "2 read" in said and "2 known by name" in said
    assert "Tune 2: Key “Q#” is not a key" in said
    path.write_text("<NML/>")
    with pytest.raises(CommandError, match="Traktor"):
        call_command("import_rekordbox", str(path), "--artist", me.user.username)
    path.write_bytes(b"")
    with pytest.raises(CommandError, match="empty"):
        call_command("import_rekordbox", str(path), "--artist", me.user.username)
    path.write_text("Title\nOne\n")
    call_command("import_rekordbox", str(path), "--artist", me.user.username)
    assert "1 read" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_of_two_uploads_in_the_same_moment_one_becomes_the_row() -> None:
    me = owner().artist
    taken(me, collection(track(1, Size=None, TotalTime=None)))
    files = [loop_bytes(seed=next(numbers)) for _ in range(2)]
    together = threading.Barrier(2)

    def send(data: bytes) -> str:
        together.wait(10)
        try:
            return upload(me, "tune 1.mp3", data).imported_id
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, files)) == ["", "1"]
    assert Track.objects.of(me).count() == 2
