"""What a client claims is read in both shapes of the plan, and never dated by the client."""

from __future__ import annotations

import pytest

from provenance import declared


def test_the_flat_fields_of_the_plans_client_find_their_places():
    read = declared.provenance(
        {
            "type": "ai_generated",
            "source_catalog_hash": "sha256:abc",
            "model": "musicgen-fine-tuned",
            "generation_params": {"bpm": 140},
            "source_tracks": ["t1", "t2"],
            "aesthetic_dna": {"taste_coherence": 0.7},
            "title": "Song",
            "timestamp": "2020-01-01T00:00:00Z",
        }
    )
    assert read == {
        "type": "ai_generated",
        "claimed_timestamp": "2020-01-01T00:00:00Z",
        "generator": {"model": "musicgen-fine-tuned"},
        "source": {"catalog_hash": "sha256:abc", "aesthetic_dna_snapshot": {"taste_coherence": 0.7}},
        "generation_params": {"bpm": 140, "reference_tracks": ["t1", "t2"]},
    }


def test_the_plans_own_schema_is_taken_as_it_is():
    read = declared.provenance({"provenance": {"type": "ai_generated", "source": {"catalog_id": "me"}}})
    assert read == {"type": "ai_generated", "source": {"catalog_id": "me"}}


def test_a_flat_field_never_overwrites_a_block():
    assert declared.provenance({"model": "a", "generator": {"model": "b"}}) == {
        "model": "a",
        "generator": {"model": "b"},
    }


def test_nobody_declares_another_artist_or_their_consent():
    partner = {"artist": "Famous", "consent": {"given_at": "2026-01-01T00:00:00Z"}}
    flat = {"source": {"track_count": 12, "partner": partner}, "result": {"similarity_to": {"partner": 1}}}
    for claimed in (flat, {"provenance": flat}):
        assert declared.provenance(claimed) == {"source": {"track_count": 12}, "result": {}}
    assert flat["source"]["partner"] == partner  # what was sent is not changed


@pytest.mark.parametrize("text", ["[1]", "7", "{", '"x"', "[" * 100_000, '{"a": "' + "x" * 70_000 + '"}'])
def test_metadata_that_is_no_object_is_refused(text):
    with pytest.raises(declared.MetadataError):
        declared.parse(text)


def test_no_metadata_is_an_empty_claim():
    assert declared.parse(" ") == {}


@pytest.mark.parametrize(
    ("metadata", "filename", "expected"),
    [
        ({"title": " Song "}, "a.wav", "Song"),
        ({}, "C:\\music\\My Song.final.wav", "My Song.final"),
        ({"title": 7}, "", "Untitled"),
        ({}, "../../etc/passwd", "passwd"),
    ],
)
def test_a_recording_has_a_title(metadata, filename, expected):
    assert declared.title(metadata, filename) == expected
