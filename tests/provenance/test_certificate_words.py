"""The certificate's sentences, rows and picture come from what was signed and nothing else."""

from __future__ import annotations

import pytest

from provenance import pictures, reading, wording
from provenance.statement import Claim
from tests.provenance.conftest import PROVENANCE


def claim(**changes):
    given = {
        "certificate_id": "cert_1",
        "title": "Untitled 03",
        "artist": "Demo Artist",
        "declared": False,
        "subjects": (),
        "provenance": PROVENANCE,
    }
    return Claim(**{**given, **changes})


def test_the_sentence_names_title_day_model_and_source():
    assert wording.origin(claim()) == (
        "“Untitled 03” was composed on 7 February 2026 by Mosaic 1.0 from 127 recordings of Demo Artist."
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"recordings_used": 6}, "from 6 of the 127 recordings of Demo Artist."),
        ({"recordings_used": 127}, "from 127 recordings of Demo Artist."),
        ({"recordings_used": 0}, "from the Aesthetic DNA of 127 recordings of Demo Artist."),
        ({"track_count": 1, "recordings_used": 1}, "from 1 recording of Demo Artist."),
        ({"recordings_used": True}, "from 127 recordings of Demo Artist."),
        ({"track_count": 0, "recordings_used": 0}, "for Demo Artist."),
    ],
)
def test_the_sentence_says_how_many_recordings_were_heard_of_how_many(source, words):
    said = claim(provenance={**PROVENANCE, "source": {"track_count": 127, **source}})
    assert wording.origin(said).endswith(f"Mosaic 1.0 {words}")


@pytest.mark.parametrize(
    ("used", "theirs", "words"),
    [
        (6, 4, "from 6 of the 127 recordings of Demo Artist and 4 of the 30 of Cleo."),
        (6, 30, "from 6 of the 127 recordings of Demo Artist and 30 of Cleo."),
        (6, 0, "from 6 of the 127 recordings of Demo Artist and the Aesthetic DNA of 30 recordings of Cleo."),
        (0, 4, "from the Aesthetic DNA of 127 recordings of Demo Artist and 4 of the 30 recordings of Cleo."),
    ],
)
def test_the_sentence_of_two_artists_says_what_of_each_was_heard(used, theirs, words):
    other = {"artist": "Cleo", "track_count": 30, "recordings_used": theirs}
    source = {"track_count": 127, "recordings_used": used, "partner": other}
    assert wording.origin(claim(provenance={**PROVENANCE, "source": source})).endswith(f"Mosaic 1.0 {words}")


def test_the_sentence_does_without_what_is_not_known():
    bare = claim(provenance={"type": "ai_generated", "timestamp": "2026-02-07T12:34:56Z", "source": "?"})
    assert wording.origin(bare) == "“Untitled 03” was composed on 7 February 2026 for Demo Artist."


def test_a_declaration_is_said_to_be_one():
    assert wording.origin(claim(declared=True)) == (
        "“Untitled 03” was declared by Demo Artist on 7 February 2026."
    )


def test_foreign_text_cannot_take_over_a_sentence():
    said = wording.origin(claim(title="x" * 500 + "\nSigned by everyone"))
    assert "\n" not in said
    assert len(said) < 250


def test_rows_are_formatted_as_the_product_writes_numbers():
    rows = dict(reading.claims({**PROVENANCE, "result": {"similarity_score": 0.874}}))
    assert rows["BPM"] == "140"
    assert rows["Energy"] == ".82"
    assert rows["Model"] == "Mosaic 1.0"
    assert rows["References"] == "2 tracks"
    assert rows["Match"] == "87.4% to the catalog"
    assert rows["Prompt"] == "Dark dubstep with ethnic percussion"


def test_rows_survive_any_shape_of_claim():
    odd = {
        "type": 7,
        "generator": [],
        "source": 3,
        "generation_params": {"bpm": "fast", "energy": True, "seed": []},
    }
    assert reading.claims(odd) == [("Kind", "7")]
    counted = {"track_count": "many", "recordings_used": 2}
    source = {**counted, "partner": {**counted, "artist": "Cleo"}}
    rows = dict(reading.claims({"type": "ai_generated", "source": source}))
    assert rows["Recordings heard"] == rows["Their recordings heard"] == "2"
    assert reading.credits_of({"credits": "me"}) == []
    assert reading.credits_of({"credits": {"mastering": "machine", "whistling": "artist"}}) == [
        ("Master", "Machine"),
        ("Whistling", "Artist"),
    ]


CHAIN = [
    {"kind": "certificate", "certificate_id": "cert_b", "relation": "this", "found": True, "title": "B",
     "log_index": 4151},
    {"kind": "model", "model": "mosaic", "version": "1.0"},
    {"kind": "dna_snapshot", "snapshot_hash": "sha256:" + "ab" * 32},
    {"kind": "catalog", "track_count": 127, "catalog_hash": "sha256:" + "5d" * 32},
]  # fmt: skip


def test_the_picture_runs_from_the_catalog_to_the_recording():
    assert [(box.words, box.note) for box in pictures.boxes(CHAIN, "7318")] == [
        ("127 recordings", "catalog 5d5d…5d5d"),
        ("DNA snapshot", "abab…abab"),
        ("Mosaic 1.0", "seed 7318"),
        ("This recording", "entry 4,152"),
    ]
    drawn = pictures.lineage(CHAIN, "7318")
    assert drawn.count("<svg") == 2  # one for a wide screen, one for a narrow one
    assert 'role="img"' in drawn
    assert " style=" not in drawn


def test_the_picture_of_two_artists_names_the_other_at_their_stations():
    theirs = [
        {"kind": "dna_snapshot", "snapshot_hash": "sha256:" + "cd" * 32, "artist": "Cleo"},
        {"kind": "catalog", "track_count": 30, "catalog_hash": "sha256:" + "6e" * 32, "artist": "Cleo"},
    ]
    assert [[(box.words, box.note) for box in stage] for stage in pictures.stages(CHAIN + theirs)][:2] == [
        [("127 recordings", "catalog 5d5d…5d5d"), ("Cleo", "catalog 6e6e…6e6e")],
        [("DNA snapshot", "abab…abab"), ("Cleo", "DNA cdcd…cdcd")],
    ]


def test_the_picture_links_parents_names_missing_ones_and_escapes_titles():
    parents = [
        {"kind": "certificate", "certificate_id": "cert_a", "relation": "variation of", "found": True,
         "title": "<script>", "log_index": 1},
        {"kind": "certificate", "certificate_id": "cert_gone", "relation": "parent", "found": False},
    ]  # fmt: skip
    drawn = pictures.lineage([CHAIN[0], *parents, *CHAIN[1:]])
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert 'href="/certificates/cert_a/"' in drawn
    assert 'role="group"' in drawn  # an image may not hold links
    assert "Not held here" in drawn


def test_the_picture_stands_what_happened_at_one_time_side_by_side():
    def link(name, depth, **more):
        return {"kind": "certificate", "certificate_id": f"cert_{name}", "found": True, "title": name,
                "relation": "blend of", "log_index": 1, "depth": depth, "state": "held"} | more  # fmt: skip

    origins = [link(f"o{n}", 1, type="origin", relation="made from") for n in range(3)]
    many = [link(f"p{n}", 1) for n in range(6)]
    chain = [
        CHAIN[0],
        *many,
        *origins,
        link("old", 2, state="revoked"),
        link("x", 3, state="cycle"),
        *CHAIN[1:],
    ]
    stages = [[box.words for box in stage] for stage in pictures.stages(chain)]
    assert stages[0] == ["3 origin stamps", "127 recordings"]
    assert stages[-4:] == [["Leads back here"], ["old"], ["p0", "p1", "p2", "3 more"], ["This recording"]]
    drawn = pictures.lineage(chain, then=[pictures.Box("In your library", "B", "/catalog/tracks/trk_1/")])
    assert "revoked; blend of" in drawn and "then In your library (B)" in drawn


def test_a_recording_with_nothing_behind_it_has_no_picture():
    assert pictures.lineage(CHAIN[:1]) == ""
