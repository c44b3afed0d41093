"""Takes over HTTP: what is said of them, how they are heard, and how they come home."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.audio.sniff import sniff
from catalog.models import Track
from generation.api.take_json import TakeDetail
from tests.catalog.test_api_problems import problem
from tests.people import owner
from tests.rows import loop_bytes, take_of

pytestmark = pytest.mark.django_db

PROMISED = {
    "similarity_score",
    "similarity",
    "closest_tracks",
    "novelty",
    "measured",
    "requested",
    "certificate_id",
    "seed",
    "engine",
    "licence",
    "render_sha256",
    "built_from",
}


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_take_says_everything_that_was_promised() -> None:
    person = owner()
    take = take_of(person.artist)
    body = person.api.get(f"/api/generated-tracks/{take.pk}/").json()
    assert set(body) >= PROMISED and set(body) == set(TakeDetail().fields)
    assert body["similarity_score"] == 0.87
    assert set(body["measured"]) >= {"bpm", "key", "camelot", "lufs"}
    assert body["seed"] == "7" and body["generation"] == take.generation_id
    assert body["audio"]["mp3"] == f"/api/generated-tracks/{take.pk}/audio/?format=mp3"


@pytest.mark.parametrize(
    ("wanted", "kind", "mime"),
    [
        ("wav", "wav", "audio/wav"),
        ("flac", "flac", "audio/flac"),
        ("mp3", "mp3", "audio/mpeg"),
        ("preview", "mp3", "audio/mpeg"),
    ],
)
def test_every_rendition_can_be_downloaded(wanted: str, kind: str, mime: str, tmp_path: Any) -> None:
    person = owner()
    take = take_of(person.artist)
    response = person.api.get(
        f"/api/generated-tracks/{take.pk}/audio/?format={wanted}&download=1", headers={"accept": "audio/*"}
    )
    assert response.status_code == 200 and response.headers["Content-Type"] == mime
    name = "preview.mp3" if wanted == "preview" else f"Untitled_01.{kind}"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    file = tmp_path / "got"
    file.write_bytes(body_of(response))
    assert sniff(file).name == kind


def test_wav_is_what_comes_unasked_and_a_player_may_seek() -> None:
    person = owner()
    take = take_of(person.artist)
    url = f"/api/generated-tracks/{take.pk}/audio/"
    data = loop_bytes(99)
    response = person.api.get(url, headers={"range": "bytes=-100"})
    assert response.status_code == 206 and body_of(response) == data[-100:]
    assert response.headers["Content-Range"] == f"bytes {len(data) - 100}-{len(data) - 1}/{len(data)}"
    assert "attachment" not in response.headers["Content-Disposition"]
    assert person.api.get(url, headers={"range": f"bytes={len(data)}-"}).status_code == 416


def test_a_format_nobody_makes_and_a_file_that_is_gone_are_problems() -> None:
    person = owner()
    take = take_of(person.artist)
    url = f"/api/generated-tracks/{take.pk}/audio/"
    assert set(problem(person.api.get(url + "?format=midi"), 400)["errors"]) == {"format"}
    take.file("mp3").unlink()
    problem(person.api.get(url + "?format=mp3"), 404)


def test_the_list_is_newest_first_and_can_be_searched() -> None:
    person = owner()
    first = take_of(person.artist, title="Night bus")
    second = take_of(person.artist, title="Early train")
    rows = person.api.get("/api/generated-tracks/").json()["results"]
    assert [row["id"] for row in rows] == [second.pk, first.pk]
    found = person.api.get("/api/generated-tracks/?search=night").json()["results"]
    assert [row["id"] for row in found] == [first.pk]
    found = person.api.get(f"/api/generated-tracks/?generation={second.generation_id}").json()["results"]
    assert [row["id"] for row in found] == [second.pk]


def test_a_take_added_to_the_library_is_a_track_once() -> None:
    person = owner()
    take = take_of(person.artist)
    url = f"/api/generated-tracks/{take.pk}/add-to-library/"
    first, again = person.api.post(url), person.api.post(url)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    track = Track.objects.get(origin=Track.Origin.GENERATED)
    assert first.json()["origin"] == "generated" and first.json()["status"] == "queued"
    assert person.api.get(f"/api/generated-tracks/{take.pk}/").json()["library_track"] == track.pk


def test_a_take_whose_audio_is_gone_cannot_be_added() -> None:
    person = owner()
    take = take_of(person.artist)
    take.file("flac").unlink()
    problem(person.api.post(f"/api/generated-tracks/{take.pk}/add-to-library/"), 409)
    assert not Track.objects.filter(origin=Track.Origin.GENERATED).exists()
