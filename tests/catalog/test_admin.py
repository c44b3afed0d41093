"""Curation of catalogs: staff hear, see, correct and withdraw; nobody else does."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import snapshots
from catalog.models import AccessToken, Analysis, Artist, Track
from tests.people import owner
from tests.rows import catalog_of, loop_bytes, ready_track

pytestmark = pytest.mark.django_db

LISTS = ["artist", "accesstoken", "track", "dnasnapshot"]


@pytest.fixture
def staff() -> Client:
    User.objects.create_superuser("curator", password="a-long-enough-phrase-42")
    client = Client()
    client.force_login(User.objects.get(username="curator"))
    return client


def may(client_user: str, *names: str) -> Client:
    """Somebody on the staff with these permissions and no others."""
    user = User.objects.create_user(client_user, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    large = [', "catalog_analysis"."document"', '"catalog_analysis"."vector"', '"catalog_analysis"."peaks"']
    large += ['"catalog_dnasnapshot"."document"']
    assert not any(column in query["sql"] for query in seen for column in large)
    return len(seen)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_twelve_asks_no_more_than_a_list_of_three(staff: Client, name: str) -> None:
    def more(numbers: range) -> None:
        for number in numbers:
            from tests.people import person

            one = person(f"artist-{number}")
            ready_track(one.artist, f"Track {number}", seed=number, bpm_override=100 + number)
            snapshots.current(one.artist)

    url = f"/admin/catalog/{name}/"
    more(range(3))
    queries(staff, url)
    few = queries(staff, url)
    more(range(3, 12))
    assert queries(staff, url) == few <= 14


def test_the_list_shows_a_player_that_loads_nothing_by_itself(staff: Client) -> None:
    track = ready_track(owner().artist, 'Night <b>bus</b> "x"')
    page = staff.get("/admin/catalog/track/").content.decode()
    assert f'<audio controls preload="none" src="/admin/catalog/track/{track.pk}/audio/"' in page
    assert "<b>bus</b>" not in page
    assert "120.4" in page and "ready" in page


def test_a_failed_analysis_shows_its_reason(staff: Client) -> None:
    ready_track(owner().artist, status=Track.FAILED, error="The file ends too early.")
    assert "The file ends too early." in staff.get("/admin/catalog/track/").content.decode()


@pytest.mark.parametrize(
    "query", ["q=night", "status__exact=ready", "analysis__isempty=0", "origin__exact=upload"]
)
def test_the_list_can_be_searched_and_filtered(staff: Client, query: str) -> None:
    ready_track(owner().artist, "Night bus")
    page = staff.get(f"/admin/catalog/track/?{query}").content.decode()
    assert "Night bus" in page


def test_staff_hear_any_track_and_artists_do_not(staff: Client) -> None:
    person = owner()
    track = ready_track(person.artist)
    url = f"/admin/catalog/track/{track.pk}/audio/"
    response = staff.get(url, headers={"range": "bytes=0-3"})
    assert response.status_code == 206 and b"".join(response.streaming_content) == loop_bytes()[:4]
    assert person.page.get(url).status_code == 302
    assert Client().get(url).status_code == 302
    assert may("looks-at-artists", "view_artist").get(url).status_code == 403
    heard = may("listens", "view_track").get(url)
    assert heard.status_code == 200 and b"".join(heard.streaming_content) == loop_bytes()
    assert staff.get("/admin/catalog/track/trk_nothing/audio/").status_code == 404


def test_a_correction_writes_what_was_typed_and_nothing_else(staff: Client) -> None:
    track = ready_track(owner().artist)
    url = f"/admin/catalog/track/{track.pk}/change/"
    assert staff.get(url).status_code == 200
    # While the page was open, a worker moved on.
    Track.objects.filter(pk=track.pk).update(stage="Measuring", status=Track.RUNNING)
    form = {"title": "Night bus", "bpm_override": "70", "key_override": "4A", "genre_override": ""}
    inline = {f"analyses-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    assert staff.post(url, {**form, **inline}).status_code == 302
    track.refresh_from_db()
    assert (track.title, track.bpm_override, track.key_override) == ("Night bus", 70.0, "F minor")
    assert (track.stage, track.status) == ("Measuring", Track.RUNNING)


@pytest.mark.parametrize(
    ("field", "value"), [("bpm_override", "1000"), ("key_override", "Q minor"), ("title", "")]
)
def test_a_correction_that_makes_no_sense_is_refused(staff: Client, field: str, value: str) -> None:
    track = ready_track(owner().artist, "Loop")
    form = {"title": "Loop", "bpm_override": "", "key_override": "", "genre_override": "", field: value}
    inline = {f"analyses-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    response = staff.post(f"/admin/catalog/track/{track.pk}/change/", {**form, **inline})
    assert response.status_code == 200 and "errorlist" in response.content.decode()


def test_failed_tracks_can_be_analysed_again_from_the_list(staff: Client) -> None:
    artist = owner().artist
    failed = ready_track(artist, "Broken", status=Track.FAILED)
    fine = ready_track(artist, "Fine")
    response = staff.post(
        "/admin/catalog/track/",
        {"action": "analyse_again", "_selected_action": [failed.pk, fine.pk]},
        follow=True,
    )
    assert (
        "Analysed again: 1 track. Left as they are, because they had not failed: 1."
        in response.content.decode()
    )
    assert Track.objects.get(pk=failed.pk).status == Track.QUEUED
    assert Track.objects.get(pk=fine.pk).status == Track.READY


@pytest.mark.parametrize("how", ["page", "list"])
def test_a_deleted_track_is_withdrawn_with_its_file(staff: Client, how: str) -> None:
    track = ready_track(owner().artist)
    file = track.file
    if how == "page":
        staff.post(f"/admin/catalog/track/{track.pk}/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [track.pk], "post": "yes"}
        staff.post("/admin/catalog/track/", chosen)
    assert not Track.objects.exists() and not Analysis.objects.exists() and not file.exists()


def test_snapshots_and_tokens_can_be_read_and_not_edited(staff: Client) -> None:
    person = owner()
    catalog_of(person.artist, 1)
    snapshot = snapshots.current(person.artist)
    assert snapshot is not None
    token = AccessToken.objects.get()
    for url in (
        f"/admin/catalog/dnasnapshot/{snapshot.pk}/change/",
        f"/admin/catalog/accesstoken/{token.pk}/change/",
    ):
        page = staff.get(url).content.decode()
        assert 'name="_save"' not in page and "deletelink" not in page
        assert staff.post(url, {}).status_code == 403
    assert token.digest not in staff.get(f"/admin/catalog/accesstoken/{token.pk}/change/").content.decode()


def test_a_token_can_be_revoked(staff: Client) -> None:
    person = owner()
    chosen = {"action": "revoke", "_selected_action": [AccessToken.objects.get().pk]}
    staff.post("/admin/catalog/accesstoken/", chosen)
    assert AccessToken.objects.get().revoked_at is not None
    assert person.api.get("/api/tracks/").status_code == 401


def test_an_artist_can_be_looked_at(staff: Client) -> None:
    artist = Artist.objects.get(pk=owner().artist.pk)
    assert staff.get(f"/admin/catalog/artist/{artist.pk}/change/").status_code == 200
