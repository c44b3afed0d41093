"""The pages of the catalog and the account, as a browser without JavaScript uses them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog import accounts, intake
from catalog.models import AccessToken, Artist, DuplicatePair, Track
from tests.people import PASSWORD, collaborator, owner, stranger
from tests.rows import catalog_of, loop_bytes, ready_track

pytestmark = pytest.mark.django_db


def upload(name: str, content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, loop_bytes() if content is None else content)


# --- coming in ---


def test_a_plain_form_takes_several_files_and_tells_the_fate_of_each() -> None:
    me = owner()
    accounts.declare_rights(me.artist, statement="mine")
    files = [upload("One.wav"), upload("Two.wav"), upload("notes.txt", b"no music"), upload("empty.wav", b"")]
    page = me.page.post(reverse("catalog:library"), {"files": files}).content.decode()
    assert Track.objects.of(me.artist).count() == 1
    assert page.count('class="fate"') == 4
    assert "already in your library as “One”" in page
    assert "The file is empty" in page
    assert page.count("Refused") == 2


def test_nothing_comes_in_before_the_rights_are_declared() -> None:
    me = owner()
    page = me.page.post(reverse("catalog:library"), {"files": [upload("One.wav")]}).content.decode()
    assert Track.objects.count() == 0
    assert "Confirm first that the recordings are yours" in page
    me.page.post(reverse("catalog:library"), {"files": [upload("One.wav")], "rights": "yes"})
    assert Track.objects.count() == 1
    me.artist.refresh_from_db()
    assert me.artist.rights_declared_at


def test_an_empty_library_says_what_to_do() -> None:
    page = owner().page.get(reverse("catalog:library")).content.decode()
    assert "Begin with ten tracks" in page
    assert "What happens to a track" in page


def test_a_failed_track_says_why_and_can_be_tried_again() -> None:
    me = owner()
    track = ready_track(me.artist, status=Track.FAILED, error="This WAV file ends too early.")
    page = me.page.get(reverse("catalog:library")).content.decode()
    assert "This WAV file ends too early." in page
    me.page.post(reverse("catalog:retry", args=[track.pk]))
    track.refresh_from_db()
    assert track.status == Track.QUEUED


# --- the list ---


def titles(client: Client, **query: str) -> list[str]:
    answer = client.get(reverse("catalog:library"), query)
    return [track.title for track in answer.context["tracks"]]


def test_the_list_is_searched_filtered_and_sorted() -> None:
    me = owner()
    ready_track(me.artist, "Alpha", bpm_override=174.0, key_override="F minor")
    ready_track(me.artist, "Beta", bpm_override=120.0, tags={"genre": "House"})
    ready_track(me.artist, "Gamma", bpm_override=140.0, status=Track.FAILED)
    ready_track(me.artist, "Delta", bpm_override=90.0, origin=Track.Origin.GENERATED)
    assert titles(me.page, q="alph") == ["Alpha"]
    assert titles(me.page, q="house") == ["Beta"]
    assert titles(me.page, sort="bpm") == ["Delta", "Beta", "Gamma", "Alpha"]
    assert titles(me.page, sort="-bpm") == ["Alpha", "Gamma", "Beta", "Delta"]
    assert titles(me.page, state="failed") == ["Gamma"]
    assert titles(me.page, origin="generated") == ["Delta"]
    assert titles(me.page, key="4A") == ["Alpha"]
    assert titles(me.page, sort="nonsense", state="?") == titles(me.page)
    assert titles(me.page, q="nothing of the kind") == []


def test_the_list_is_filtered_by_what_mixes_by_tempo_and_ordered_by_what_a_collection_said() -> None:
    me = owner()

    def known(title: str, **fields: Any) -> None:
        options = {"status": Track.METADATA, "origin": Track.Origin.REKORDBOX, "imported_id": title, **fields}
        Track.objects.create(artist=me.artist, title=title, **options)

    ready_track(me.artist, "Typed", bpm_override=140.0, key_override="F minor")
    known(
        "Relative", imported_key="Ab major", imported_bpm=128.0, plays=40, rating=2, added_on=date(2020, 1, 1)
    )
    known(
        "Neighbour", imported_key="C minor", imported_bpm=174.0, plays=2, rating=5, added_on=date(2010, 1, 1)
    )
    known("Far", imported_key="B major", imported_bpm=None)
    assert set(titles(me.page, key="4A", mix="1")) == {"Typed", "Relative", "Neighbour"}
    assert titles(me.page, key="4A") == ["Typed"]
    assert set(titles(me.page, bpm_min="128", bpm_max="140,0")) == {"Typed", "Relative"}
    assert titles(me.page, bpm_min="150") == ["Neighbour"]
    assert titles(me.page, bpm_min="fast", bpm_max="nan") == titles(me.page)
    assert titles(me.page, sort="-plays")[:2] == ["Relative", "Neighbour"]
    assert titles(me.page, sort="-rating")[:2] == ["Neighbour", "Relative"]
    assert titles(me.page, sort="collected")[:2] == ["Neighbour", "Relative"]
    assert set(titles(me.page, state="metadata")) == {"Relative", "Neighbour", "Far"}
    assert titles(me.page, sort="bpm")[-1] == "Far"
    page = me.page.get(reverse("catalog:library"), {"sort": "-plays"}).content.decode()
    assert page.count("No audio yet") == 3 + 1 and "<dt>No Audio Yet</dt><dd>3</dd>" in page


def test_the_list_leads_to_the_import_and_to_possible_duplicates() -> None:
    me = owner()
    first, second = catalog_of(me.artist, 2)
    page = me.page.get(reverse("catalog:library")).content.decode()
    assert f'href="{reverse("catalog:import")}"' in page and reverse("catalog:duplicates") not in page
    pair = DuplicatePair.objects.create(artist=me.artist, first=first, second=second, kind="near")
    assert "Resolve 1 Possible Duplicate<" in me.page.get(reverse("catalog:library")).content.decode()
    DuplicatePair.objects.filter(pk=pair.pk).update(verdict=DuplicatePair.Verdict.DIFFERENT)
    assert "Possible Duplicate" not in me.page.get(reverse("catalog:library")).content.decode()


def test_the_list_says_how_far_the_analysis_is_while_something_waits() -> None:
    me = owner()
    ready_track(me.artist)
    assert "Cancel Waiting" not in me.page.get(reverse("catalog:library")).content.decode()
    ready_track(me.artist, "Next", status=Track.QUEUED)
    page = me.page.get(reverse("catalog:library")).content.decode()
    assert "1 of 2 analyzed." in page and "shows after the first few" in page and "Cancel Waiting" in page


def test_the_list_is_paged_and_asks_the_database_as_often_for_many_as_for_few() -> None:
    me = owner()

    def queries() -> int:
        client = me.page
        client.get(reverse("catalog:library"))
        with CaptureQueriesContext(
            connection,
        ) as caught:
            client.get(reverse("catalog:library"))
        return len(caught)

    for number in range(3):
        ready_track(me.artist, f"Track {number}", seed=number)
    few = queries()
    for number in range(3, 30):
        ready_track(me.artist, f"Track {number}", seed=number)
    assert queries() == few
    assert len(titles(me.page)) == 25
    assert len(titles(me.page, page="2")) == 5


# --- one track ---


def test_what_the_artist_types_stands_beside_what_was_measured() -> None:
    me = owner()
    track = ready_track(me.artist)
    address = reverse("catalog:track", args=[track.pk])
    me.page.post(address, {"title": "Renamed", "bpm": "140", "key": "4A", "genre": "Grime"})
    track.refresh_from_db()
    assert (track.title, track.bpm_override, track.key_override, track.genre_override) == (
        "Renamed",
        140.0,
        "F minor",
        "Grime",
    )
    page = me.page.get(address).content.decode()
    assert f"measured {track.analysis.bpm:.1f}" in page  # type: ignore[union-attr]
    me.page.post(address, {"reset": "bpm"})
    track.refresh_from_db()
    assert track.bpm_override is None
    assert track.key_override == "F minor"


def test_nonsense_in_a_correction_is_explained_at_its_field_and_changes_nothing() -> None:
    me = owner()
    track = ready_track(me.artist, "Loop")
    answer = me.page.post(
        reverse("catalog:track", args=[track.pk]), {"title": "Other", "bpm": "fast", "key": "Q", "genre": ""}
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "BPM is a number from 20 to 400." in page
    assert "Write the key as" in page
    track.refresh_from_db()
    assert track.title == "Loop"


def test_one_press_takes_an_alternative() -> None:
    me = owner()
    track = ready_track(me.artist)
    me.page.post(reverse("catalog:track", args=[track.pk]), {"use_bpm": "60.0"})
    track.refresh_from_db()
    assert track.bpm == 60.0


def test_a_bpm_is_doubled_halved_and_locked_in_one_press_each() -> None:
    me = owner()
    track = ready_track(me.artist)
    client, address = me.page, reverse("catalog:track", args=[track.pk])
    bpm = track.bpm or 0
    client.post(address, {"bpm_factor": "2"})
    assert Track.objects.get().bpm == pytest.approx(2 * bpm)
    assert "reset to measured" in client.get(address).content.decode()
    client.post(address, {"bpm_factor": "0.5"})
    client.post(address, {"lock": "1"})
    page = client.get(address).content.decode()
    assert f"<strong>Locked</strong> at {bpm:.1f}" in page and "×2" not in page
    refused = client.post(address, {"bpm_factor": "2", "title": track.title})
    assert refused.status_code == 422 and "Unlock it first" in refused.content.decode()
    client.post(address, {"lock": "0"})
    assert "<strong>Locked</strong>" not in client.get(address).content.decode()


def test_a_track_says_what_decided_its_tempo_where_it_stands_and_what_mixes_with_it() -> None:
    me = owner()
    tracks = catalog_of(me.artist, 3)
    track = tracks[0]
    assert track.analysis
    track.analysis.energy = 0.99
    track.analysis.key_name, track.analysis.bpm = "F minor", 140.0
    track.analysis.document |= {
        "bpm": 140.0,
        "bpm_evidence": "artist range",
        "felt": "half-time",
        "felt_confidence": 0.672,
        "tempo_steady": False,
        "tempo_drift": 0.031,
        "true_peak_dbtp": -0.4,
    }
    track.analysis.save()
    page = me.page.get(track.get_absolute_url()).content.decode()
    for words in (
        "Where your other tracks lie decided",
        "Felt at 70.0, half the counted tempo, 67.2% sure.",
        "The tempo moves: 3.1% between its slowest and fastest passages.",
        "−0.4 dBTP",
        "Above 100.0% of your other 2 analyzed tracks.",
        "F minor is 4A on the Camelot wheel and 9m as Open Key.",
        'href="/catalog/?key=4A&amp;mix=1#tracks"',
        'href="/catalog/?key=4B#tracks"',
        "Energy over",
        "<h2>Sections</h2>",
    ):
        assert words in page, words
    me.page.post(track.get_absolute_url(), {"use_bpm": "111"})
    page = me.page.get(track.get_absolute_url()).content.decode()
    assert "neither the measured tempo nor its half or double" in page
    assert "you said so" in page and "Energy over" not in page and "Felt at" not in page


def test_sections_and_bars_follow_a_corrected_octave() -> None:
    me = owner()
    track = ready_track(me.artist)
    address = track.get_absolute_url()
    before = me.page.get(address).context["read"]
    me.page.post(address, {"bpm_factor": "2"})
    after = me.page.get(address).context["read"]
    assert len(after.bars) == 2 * len(before.bars) and after.bpm == pytest.approx(2 * before.bpm)


def test_what_a_collection_said_stands_apart_and_its_text_stays_text() -> None:
    me = owner()
    said = {
        "id": "7",
        "source": "rekordbox",
        "artist": "Ossa",
        "comment": "<b>peak</b> time",
        "location": "file://localhost/Users/dj/Night%20bus.wav",
        "cues": [["cue", 62.4, None, 1, "Drop", "#28E214"], ["loop", 120.0, 127.0, -1, "", ""]],
    }
    track = ready_track(
        me.artist,
        origin=Track.Origin.REKORDBOX,
        imported=said,
        imported_id="7",
        imported_bpm=139.98,
        imported_key="F minor",
        plays=12,
        rating=4,
        added_on=date(2021, 5, 3),
    )
    page = me.page.get(track.get_absolute_url()).content.decode()
    for words in (
        "What Rekordbox says",
        "139.98",
        "4 of 5 stars",
        "3 May 2021",
        "1:02",
        "Drop",
        "&lt;b&gt;peak",
    ):
        assert words in page, words
    assert f"measured {track.bpm:.1f}" in page
    assert (
        "What Rekordbox says"
        not in me.page.get(ready_track(me.artist, "Plain").get_absolute_url()).content.decode()
    )


def test_a_track_without_audio_says_so_and_how_it_gets_some() -> None:
    me = owner()
    track = Track.objects.create(
        artist=me.artist,
        title="Heard",
        status=Track.METADATA,
        origin=Track.Origin.REKORDBOX,
        imported_id="7",
        imported={
            "id": "7",
            "source": "rekordbox",
            "genre": "Dubstep",
            "location": "C:\\Music\\Night bus.wav",
        },
        imported_bpm=70.0,
        imported_key="F minor",
    )
    client, address = me.page, track.get_absolute_url()
    page = client.get(address).content.decode()
    for words in (
        "Known by name, not yet by sound",
        ">Night bus.wav<",
        "imported 70.0",
        "imported F minor",
        "the collection says Dubstep",
        "Upload Recording",
        "Delete Track",
        "F minor is 4A",
    ):
        assert words in page, words
    assert "data-play=" not in page and "refresh" not in page
    client.post(address, {"bpm_factor": "2"})
    client.post(address, {"title": "Heard", "bpm": "140", "key": "5A", "genre": "Grime"})
    track.refresh_from_db()
    assert (track.bpm, track.key.name, track.genre, track.imported_bpm) == (140.0, "C minor", "Grime", 70.0)
    client.post(reverse("catalog:delete", args=[track.pk]))
    assert not Track.objects.exists()


def test_a_track_is_deleted_only_after_a_question() -> None:
    me = owner()
    track = ready_track(me.artist)
    address = reverse("catalog:delete", args=[track.pk])
    assert "This cannot be undone" in me.page.get(address).content.decode()
    assert Track.objects.filter(pk=track.pk).exists()
    me.page.post(address)
    assert not Track.objects.filter(pk=track.pk).exists()
    assert not track.file.exists()


def test_the_audio_of_a_track_is_answered_in_ranges() -> None:
    me = owner()
    track = ready_track(me.artist)
    answer = me.page.get(reverse("catalog:audio", args=[track.pk]), headers={"range": "bytes=0-99"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes 0-99/{track.file.stat().st_size}"
    assert (
        "attachment"
        in me.page.get(reverse("catalog:audio", args=[track.pk]), {"download": ""}).headers[
            "Content-Disposition"
        ]
    )


@pytest.mark.parametrize("name", ["track", "audio", "delete", "retry"])
def test_a_track_of_somebody_else_is_not_there(name: str) -> None:
    mine, theirs = owner(), collaborator()
    track = ready_track(mine.artist)
    address = reverse(f"catalog:{name}", args=[track.pk])
    assert theirs.page.post(address, {"title": "Taken"}).status_code in {404, 405}
    if name != "retry":
        assert theirs.page.get(address).status_code == 404
    assert stranger().get(address).status_code == 302
    track.refresh_from_db()
    assert track.title == "Loop"


# --- the DNA ---


def test_the_dna_page_draws_what_is_there_and_teaches_when_nothing_is() -> None:
    me = owner()
    empty = me.page.get(reverse("catalog:dna")).content.decode()
    assert "Nothing to read yet" in empty
    for number in range(3):
        ready_track(me.artist, f"Loop {number}", seed=number)
    page = me.page.get(reverse("catalog:dna")).content.decode()
    assert "Drawn from 3 tracks" in page
    for heading in ("Sonic palette", "Tempo", "Key", "Energy", "Coherence", "Genres"):
        assert f"<h2>{heading}</h2>" in page
    assert "UK Bass" in page


# --- people ---


def test_signing_up_makes_an_artist_records_the_rights_and_signs_in() -> None:
    client = stranger()
    client.handler.enforce_csrf_checks = False
    answer = client.post(
        reverse("catalog:signup"),
        {"username": "ada", "name": "Ada", "password": PASSWORD, "rights": "on"},
    )
    assert answer.status_code == 302
    artist = Artist.objects.get(name="Ada")
    assert artist.rights_declared_at
    assert client.get(reverse("catalog:library")).status_code == 200


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"password": "short"}, "too short"),
        ({"username": "owner"}, "already exists"),
        ({"rights": ""}, "your own recordings only"),
    ],
)
def test_signing_up_explains_what_is_missing(changed: dict[str, str], sentence: str) -> None:
    owner()
    data = {"username": "ada", "password": PASSWORD, "rights": "on"} | changed
    answer = Client().post(reverse("catalog:signup"), {name: value for name, value in data.items() if value})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Artist.objects.filter(user__username="ada").exists()


def test_a_wrong_password_is_refused_calmly() -> None:
    owner()
    answer = Client().post(reverse("catalog:login"), {"username": "owner", "password": "wrong"})
    assert "No account has this username and password" in answer.content.decode()


def test_logging_out_needs_a_post_and_the_page_offers_one() -> None:
    me = owner()
    client = me.page
    assert client.get(reverse("catalog:logout")).status_code == 405
    assert client.post(reverse("catalog:logout")).status_code == 302
    assert client.get(reverse("catalog:library")).status_code == 302


def test_the_password_is_changed_with_the_old_one_only() -> None:
    me = owner()
    client = me.page
    new = "another-long-phrase-43"
    wrong = {"old_password": "no", "new_password1": new, "new_password2": new}
    assert client.post(reverse("catalog:password"), wrong).status_code == 200
    assert client.post(reverse("catalog:password"), wrong | {"old_password": PASSWORD}).status_code == 302
    me.artist.user.refresh_from_db()
    assert me.artist.user.check_password(new)


def test_a_key_is_shown_once_and_a_revoked_one_no_longer_opens() -> None:
    me = owner()
    client = me.page
    answer = client.post(reverse("catalog:token_created"), {"name": "Laptop"})
    assert answer.status_code == 201
    key = answer.context["key"]
    assert key in answer.content.decode()
    assert key not in client.get(reverse("catalog:account")).content.decode()
    script = Client(headers={"authorization": f"Token {key}"})
    assert script.get("/api/tracks/").status_code == 200
    token = AccessToken.objects.get(name="Laptop")
    assert collaborator().page.post(reverse("catalog:token_revoke", args=[token.pk])).status_code == 404
    client.get(reverse("catalog:token_revoke", args=[token.pk]))
    assert script.get("/api/tracks/").status_code == 200
    client.post(reverse("catalog:token_revoke", args=[token.pk]))
    assert script.get("/api/tracks/").status_code == 401


def test_the_dna_can_leave_generated_tracks_out() -> None:
    me = owner()
    me.page.post(reverse("catalog:account"), {"name": "Ossa", "dna_includes_generated": ""})
    me.artist.refresh_from_db()
    assert me.artist.name == "Ossa"
    assert me.artist.dna_includes_generated is False


def test_a_title_with_markup_stays_text() -> None:
    me = owner()
    track = intake.correct(ready_track(me.artist), title="<script>alert(1)</script>")
    for address in (
        reverse("catalog:library"),
        track.get_absolute_url(),
        reverse("catalog:delete", args=[track.pk]),
    ):
        page = me.page.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
