"""The DNA over HTTP, its snapshots, and files held against the catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.api.dna import DNA, Matched
from catalog.models import DNASnapshot, Track
from tests import sounds
from tests.catalog.test_api_problems import problem
from tests.people import Person, owner
from tests.rows import catalog_of, loop_bytes, ready_track

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_dna_is_defined_for_every_catalog(count: int) -> None:
    person = owner()
    catalog_of(person.artist, count)
    response = person.api.get("/api/dna/")
    assert response.status_code == 200
    body = json.loads(response.content, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert body["track_count"] == count
    assert body["catalog_hash"].startswith("sha256:")
    assert len(body["sonic_palette"]) == 7
    assert set(body) == set(DNA().fields)
    assert (body["snapshot"] is None) == (count == 0)


def test_reading_it_twice_keeps_one_snapshot_and_a_correction_makes_another() -> None:
    person = owner()
    track = ready_track(person.artist)
    first = person.api.get("/api/dna/").json()["snapshot"]
    assert person.api.get("/api/dna/").json()["snapshot"] == first
    person.api.patch(f"/api/tracks/{track.pk}/", {"bpm": 99}, content_type="application/json")
    second = person.api.get("/api/dna/").json()["snapshot"]
    rows = person.api.get("/api/dna/snapshots/").json()["results"]
    assert [row["id"] for row in rows] == [second, first]
    kept = person.api.get(f"/api/dna/snapshots/{first}/").json()
    assert kept["track_ids"] == [track.pk]
    assert kept["document"]["bpm_profile"]["median"] != 99.0


def test_a_snapshot_nobody_made_is_not_found() -> None:
    problem(owner().api.get("/api/dna/snapshots/dna_nothing/"), 404)


def match(person: Person, data: bytes, name: str = "demo.wav") -> Any:
    return person.api.post("/api/match/", {"file": SimpleUploadedFile(name, data)})


def test_a_file_is_scored_without_being_added() -> None:
    person = owner()
    catalog_of(person.artist, 3)
    response = match(person, loop_bytes(5))
    assert response.status_code == 200, response.content
    body = response.json()
    assert 0 <= body["similarity_score"] <= 1
    assert body["closest_tracks"][0]["id"] in set(Track.objects.values_list("id", flat=True))
    assert body["low_confidence"] is True  # eight seconds, three tracks
    assert set(body) == set(Matched().fields)
    assert Track.objects.count() == 3
    assert not list(settings.FILE_UPLOAD_TEMP_DIR.glob("match-*"))


def test_what_cannot_be_matched_is_refused_with_a_reason() -> None:
    person = owner()
    assert problem(match(person, loop_bytes()), 409)["count"] == 0
    ready_track(person.artist)
    problem(match(person, b"not audio at all"), 415)
    problem(match(person, loop_bytes()[:-50_000][:60]), 400)
    problem(person.api.post("/api/match/", {"title": "no file"}), 400)
    problem(person.api.post("/api/match/", {}, content_type="application/json"), 415)
    assert DNASnapshot.objects.count() == 0


def test_a_match_lasts_ten_minutes_at_most(tmp_path: Path) -> None:
    person = owner()
    ready_track(person.artist)
    long = sounds.write(tmp_path / "long.flac", np.zeros((1, 601 * 8000), np.float32), rate=8000)
    body = problem(match(person, long.read_bytes(), "long.flac"), 400)
    assert body["type"].endswith(":too-long") and "10:00" in body["detail"]
