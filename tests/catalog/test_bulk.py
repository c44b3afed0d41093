"""Many tracks at once: what is corrected, what is left alone, what can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import OrmQ

from catalog import bulk, intake
from catalog.bulk import Edit
from catalog.models import Analysis, Track
from tests.people import collaborator, owner, stranger
from tests.rows import catalog_of, measured, ready_track

pytestmark = pytest.mark.django_db


def ids(tracks: list[Track]) -> list[str]:
    return [track.pk for track in tracks]


def values(tracks: list[Track], column: str) -> list[Any]:
    found = dict(Track.objects.filter(pk__in=ids(tracks)).values_list("pk", column))
    return [found[track.pk] for track in tracks]


def test_a_genre_is_set_on_all_of_them_and_taken_back_to_what_each_had() -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 4)
    intake.correct(tracks[1], genre="Grime")
    intake.correct(tracks[2], genre="Dub")
    done = bulk.correct(artist, ids(tracks), Edit("genre", " Dub "))
    assert (done.chosen, done.changed, done.locked) == (4, 3, 0)
    assert values(tracks, "genre_override") == ["Dub"] * 4
    assert bulk.undo(artist, done.to_json()) == 3
    assert values(tracks, "genre_override") == ["", "Grime", "Dub", ""]


@pytest.mark.parametrize("factor", [2, 0.5])
def test_a_bpm_is_scaled_from_what_counts_of_each_track(factor: float) -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 2)
    typed = ready_track(artist, "Typed", bpm_override=100.0)
    known = Track.objects.create(artist=artist, title="Known", status=Track.METADATA, imported_bpm=88.0)
    bare = Track.objects.create(artist=artist, title="Bare", status=Track.METADATA)
    everything = [*tracks, typed, known, bare]
    done = bulk.correct(artist, ids(everything), Edit("scale_bpm", factor))
    assert (done.chosen, done.changed) == (5, 4)
    assert measured().bpm is not None
    expected = [measured().bpm, measured().bpm, 100.0, 88.0]
    assert values(everything, "bpm_override")[:4] == pytest.approx([bpm * factor for bpm in expected])  # type: ignore[operator]
    assert values(everything, "bpm_override")[4] is None
    assert bulk.undo(artist, done.to_json()) == 4
    assert values(everything, "bpm_override") == [None, None, 100.0, None, None]


def test_a_locked_bpm_stays_and_is_counted() -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 3)
    intake.correct(tracks[0], bpm=71.5, bpm_locked=True)
    for edit in (Edit("scale_bpm", 2), Edit("reset_bpm")):
        done = bulk.correct(artist, ids(tracks), edit)
        assert (done.chosen, done.changed, done.locked) == (3, 2, 1)
    assert values(tracks, "bpm_override") == [71.5, None, None]
    # The lock is of the BPM: a genre goes on.
    assert bulk.correct(artist, ids(tracks), Edit("genre", "Dub")).changed == 3


def test_no_bpm_is_scaled_out_of_what_a_bpm_can_be() -> None:
    artist = owner().artist
    fast, slow = (
        ready_track(artist, "Fast", bpm_override=240.0),
        ready_track(artist, "Slow", bpm_override=30.0),
    )
    assert bulk.correct(artist, ids([fast, slow]), Edit("scale_bpm", 2)).changed == 1
    assert values([fast, slow], "bpm_override") == [240.0, 60.0]


def test_what_was_typed_after_a_bulk_edit_is_not_taken_back_with_it() -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 3)
    done = bulk.correct(artist, ids(tracks), Edit("scale_bpm", 2))
    tracks[0].refresh_from_db()
    tracks[1].refresh_from_db()
    intake.correct(tracks[0], bpm=133)
    intake.correct(tracks[1], bpm_locked=True)
    assert bulk.undo(artist, done.to_json()) == 1
    assert values(tracks, "bpm_override") == [133.0, pytest.approx(2 * (measured().bpm or 0)), None]


def test_resets_forget_what_was_typed() -> None:
    artist = owner().artist
    one = ready_track(artist, "One", bpm_override=90.0, key_override="F minor")
    two = ready_track(artist, "Two")
    keys = bulk.correct(artist, ids([one, two]), Edit("reset_key"))
    tempi = bulk.correct(artist, ids([one, two]), Edit("reset_bpm"))
    assert (keys.changed, tempi.changed) == (1, 1)
    one.refresh_from_db()
    assert (one.bpm_override, one.key_override) == (None, "")
    assert bulk.undo(artist, tempi.to_json()) == bulk.undo(artist, keys.to_json()) == 1
    one.refresh_from_db()
    assert (one.bpm_override, one.key_override) == (90.0, "F minor")


def test_too_many_to_remember_are_changed_but_not_offered_back(monkeypatch: pytest.MonkeyPatch) -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 3)
    monkeypatch.setattr(bulk, "UNDOABLE", 2)
    done = bulk.correct(artist, ids(tracks), Edit("genre", "Dub"))
    assert done.changed == 3 and not done.before


def test_more_ids_than_a_statement_carries_are_taken_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 5)
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    done = bulk.correct(artist, [*ids(tracks), *ids(tracks)], Edit("genre", "Dub"))
    assert (done.chosen, done.changed) == (5, 5)
    assert bulk.undo(artist, done.to_json()) == 5
    assert bulk.withdraw(artist, ids(tracks)) == 5


def test_failed_and_cancelled_tracks_are_tried_again_and_others_left_alone() -> None:
    artist = owner().artist
    ready = ready_track(artist)
    failed = ready_track(artist, "Failed", status=Track.FAILED, error="Broken")
    stopped = ready_track(artist, "Stopped", status=Track.CANCELLED)
    known = Track.objects.create(artist=artist, title="Known", status=Track.METADATA)
    assert bulk.retry(artist, ids([ready, failed, stopped, known])) == 2
    assert values([ready, failed, stopped, known], "status") == ["ready", "queued", "queued", "metadata"]
    assert OrmQ.objects.count() == 2


def test_waiting_tracks_are_stopped_and_nothing_else() -> None:
    artist = owner().artist
    rows = [
        ready_track(artist, status, status=status)
        for status in (Track.QUEUED, Track.RUNNING, Track.READY, Track.FAILED, Track.METADATA)
    ]
    assert bulk.stop_waiting(artist) == 1
    assert values(rows, "status") == ["cancelled", "analysing", "ready", "failed", "metadata"]
    assert bulk.retry(artist, [rows[0].pk]) == 1


def test_deleted_tracks_go_with_their_files_and_figures() -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 3)
    assert bulk.withdraw(artist, ids(tracks[:2])) == 2
    assert list(Track.objects.values_list("pk", flat=True)) == [tracks[2].pk]
    assert Analysis.objects.count() == 1
    assert [Path(track.file).exists() for track in tracks] == [False, False, True]


def test_failure_15_nothing_of_another_artist_is_touched() -> None:
    mine, theirs = owner().artist, collaborator().artist
    track = ready_track(theirs, status=Track.FAILED, genre_override="Dub")
    assert bulk.correct(mine, [track.pk], Edit("genre", "Pop")).chosen == 0
    done = {"verb": "genre", "value": "Dub", "before": [["", [track.pk]]]}
    assert bulk.undo(mine, done) == bulk.retry(mine, [track.pk]) == bulk.withdraw(mine, [track.pk]) == 0
    track.refresh_from_db()
    assert (track.genre_override, track.status) == ("Dub", Track.FAILED)


def test_a_deletion_reads_nothing_of_what_was_measured() -> None:
    artist = owner().artist
    tracks = catalog_of(artist, 2)
    with CaptureQueriesContext(connection) as asked:
        bulk.withdraw(artist, ids(tracks))
    read = [query["sql"] for query in asked if query["sql"].startswith("SELECT")]
    assert read and not [sql for sql in read if "document" in sql or '"peaks"' in sql or '"imported"' in sql]


# --- one track: lock, double, halve ---


def test_a_lock_keeps_the_bpm_that_counts_until_it_is_opened() -> None:
    track = intake.correct(ready_track(owner().artist), bpm_locked=True)
    track.refresh_from_db()
    assert track.bpm_locked and track.bpm_override == measured().bpm
    for change in ({"bpm": 100}, {"bpm": ""}, {"bpm_factor": 2}):
        with pytest.raises(ValidationError, match="locked"):
            intake.correct(track, **change)
    intake.correct(track, bpm=f"{track.bpm:g}", genre="Dub")  # the whole form, sent back as it was
    assert track.genre_override == "Dub" and track.bpm_override == measured().bpm
    intake.correct(track, bpm_locked=False, bpm=None)
    track.refresh_from_db()
    assert not track.bpm_locked and track.bpm_override is None


def test_there_is_no_lock_without_a_bpm_and_no_double_of_nothing() -> None:
    bare = Track.objects.create(artist=owner().artist, title="Bare", status=Track.METADATA)
    with pytest.raises(ValidationError, match="no BPM to lock"):
        intake.correct(bare, bpm_locked=True)
    with pytest.raises(ValidationError, match="no BPM to double"):
        intake.correct(bare, bpm_factor=2)
    intake.correct(bare, bpm="139,8", bpm_locked=True)
    bare.refresh_from_db()
    assert bare.bpm == 139.8 and bare.bpm_locked


def test_double_and_half_undo_each_other() -> None:
    track = intake.correct(ready_track(owner().artist), bpm_factor=2)
    assert track.bpm_override == pytest.approx(2 * (measured().bpm or 0))
    intake.correct(track, bpm_factor=0.5)
    assert track.bpm == pytest.approx(measured().bpm)
    intake.correct(track, bpm=300)
    with pytest.raises(ValidationError, match="600"):
        intake.correct(track, bpm_factor=2)


# --- from the library page ---


def ticked(client: Client, **fields: Any) -> Any:
    return client.post(reverse("catalog:change"), fields)


def told(client: Client) -> str:
    return str((client.get(reverse("catalog:library")).context["said"] or {}).get("words", ""))


def test_ticked_tracks_are_changed_and_the_page_says_so_and_offers_to_undo_it() -> None:
    me = owner()
    tracks, client = catalog_of(me.artist, 3), me.page
    intake.correct(tracks[0], bpm_locked=True)
    answer = ticked(client, track=ids(tracks), do="double", query="sort=bpm&q=loop")
    assert answer.headers["Location"] == f"{reverse('catalog:library')}?sort=bpm&q=loop#tracks"
    assert told(client) == "BPM doubled on 2 tracks. 1 locked, left as it is."
    assert ">Undo<" in client.get(reverse("catalog:library")).content.decode()
    client.post(reverse("catalog:undo"))
    assert told(client) == "Taken back on 2 tracks."
    assert values(tracks, "bpm_override") == [measured().bpm, None, None]
    client.post(reverse("catalog:undo"))
    assert told(client) == "There is nothing to take back."


def test_all_that_match_means_all_of_the_list_and_not_of_the_page() -> None:
    me = owner()
    tracks, client = catalog_of(me.artist, 28), me.page
    other = ready_track(me.artist, "Other")
    ticked(client, all="1", do="genre", genre="Grime", query="q=loop")
    assert told(client) == "Genre set on 28 tracks."
    assert values([*tracks, other], "genre_override") == ["Grime"] * 28 + [""]


def test_a_deletion_of_many_asks_back_with_the_count_and_deletes_what_it_named() -> None:
    me = owner()
    tracks, client = catalog_of(me.artist, 10), me.page
    page = ticked(client, all="1", do="delete", query="q=loop")
    assert "Delete 10 Tracks" in page.content.decode() and "and 2 more" in page.content.decode()
    assert Track.objects.count() == 10
    ready_track(me.artist, "Loop that came in meanwhile")
    ticked(client, ids=page.context["ids"], do="delete", confirmed="1", query="")
    assert told(client) == "10 tracks deleted."
    assert list(Track.objects.values_list("title", flat=True)) == ["Loop that came in meanwhile"]
    assert not any(track.file.exists() for track in tracks)


def test_a_form_that_says_nothing_changes_nothing() -> None:
    me = owner()
    (track,), client = catalog_of(me.artist, 1), me.page
    ticked(client, do="double")
    assert told(client) == "No track was ticked, so nothing was changed."
    ticked(client, track=track.pk, do="melt")
    assert told(client) == "Choose what to do with the tracks you ticked."
    ticked(client, track="trk_nothing", do="delete", confirmed="1")
    assert told(client) == "0 tracks deleted."
    assert "no longer there" in ticked(client, track="trk_nothing", do="delete").content.decode()
    # Where the form sends back to is this list, whatever it was sent.
    answer = ticked(client, track=track.pk, do="reset_key", query="//elsewhere.example/?x=1")
    assert answer.headers["Location"].startswith(f"{reverse('catalog:library')}?")


def test_an_empty_genre_is_refused_and_typed_ones_are_taken_off_by_their_own_verb() -> None:
    me = owner()
    tracks, client = catalog_of(me.artist, 2), me.page
    intake.correct(tracks[0], genre="Grime")
    for genre in ("", "  ", "\0"):
        ticked(client, track=ids(tracks), do="genre", genre=genre)
        assert told(client).startswith("No genre was typed, so nothing was changed.")
        assert values(tracks, "genre_override") == ["Grime", ""]
    assert "Genre back to the file’s" in client.get(reverse("catalog:library")).content.decode()
    ticked(client, track=ids(tracks), do="reset_genre")
    assert told(client) == "Genre back to the file’s on 1 track. 1 needed no change."
    assert values(tracks, "genre_override") == ["", ""]
    client.post(reverse("catalog:undo"))
    assert values(tracks, "genre_override") == ["Grime", ""]


def test_what_takes_an_edit_back_lies_beside_the_session_and_goes_with_the_next_one() -> None:
    me = owner()
    tracks, client = catalog_of(me.artist, 3), me.page
    rows = Session.objects.count()
    for factor in ("double", "halve"):
        ticked(client, track=ids(tracks), do=factor)
        assert Session.objects.count() == rows + 1
        assert tracks[0].pk not in str(dict(client.session))
    client.post(reverse("catalog:undo"))
    assert told(client) == "Taken back on 3 tracks."
    assert Session.objects.count() == rows


def test_a_nul_in_a_form_of_many_is_left_out() -> None:
    me = owner()
    (track,), client = catalog_of(me.artist, 1), me.page
    ticked(client, track=["a\0b", track.pk], do="genre", genre="Du\0b", query="q=a%00b")
    assert values([track], "genre_override") == ["Dub"]
    ticked(client, all="1", do="reset_genre", query="q=a%00b")
    ticked(client, ids=f"a\0b,{track.pk}", do="delete", confirmed="1")
    assert told(client) == "1 track deleted."


@pytest.mark.parametrize("body", [{"genre": "a\0b"}, {"title": "a\0b"}])
def test_a_nul_in_a_correction_over_http_is_refused(body: dict[str, str]) -> None:
    me = owner()
    (track,) = catalog_of(me.artist, 1)
    answer = me.api.patch(f"/api/tracks/{track.pk}/", body, content_type="application/json")
    assert answer.status_code == 400
    for many in ({"ids": ["a\0b"], "set": {"genre": "x"}}, {"filter": {"search": "a\0b"}, "retry": True}):
        assert me.api.post("/api/tracks/bulk/", many, content_type="application/json").status_code == 400


def test_what_waits_is_cancelled_after_a_question_and_analyzed_again_from_the_list() -> None:
    me = owner()
    client = me.page
    row = ready_track(me.artist, status=Track.QUEUED)
    assert "Cancel 1 Waiting" in client.get(reverse("catalog:stop")).content.decode()
    assert values([row], "status") == ["queued"]
    client.post(reverse("catalog:stop"))
    assert told(client) == "1 track no longer waiting. Each can be analyzed later."
    ticked(client, all="1", do="retry", query="state=cancelled")
    assert told(client) == "1 track waiting to be analyzed again."
    assert values([row], "status") == ["queued"]


def test_failure_15_tracks_of_somebody_else_are_not_changed_from_a_page() -> None:
    mine, theirs = owner(), collaborator()
    track = ready_track(mine.artist)
    for verb in ("genre", "double", "reset_bpm", "reset_key", "retry"):
        ticked(theirs.page, track=track.pk, do=verb, genre="Pop")
    ticked(theirs.page, ids=track.pk, do="delete", confirmed="1")
    assert values([track], "genre_override") == [""] and values([track], "bpm_override") == [None]
    assert stranger().post(reverse("catalog:change"), {}).status_code in {302, 403}
