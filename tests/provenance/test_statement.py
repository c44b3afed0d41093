"""A statement says what the plan's provenance JSON says, in a form another reader can take apart."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from provenance import statement as st
from provenance.canonical import CanonicalError

WAV = st.Subject("wav", "pcm", "a" * 64)
MP3 = st.Subject("mp3", "mpeg-stream", "b" * 64)


def build(**changes):
    given = {
        "certificate_id": "cert_1",
        "title": "Untitled 03",
        "artist": "Demo Artist",
        "provenance": {
            "type": "ai_generated",
            "timestamp": "2026-02-07T12:34:56Z",
            "generation_params": {"seed": 2**63, "energy": 0.82},
        },
        "subjects": [WAV, MP3],
    }
    return st.build(**{**given, **changes})


def test_it_is_an_in_toto_statement_over_every_rendition():
    made = build()
    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert made["subject"][0] == {
        "name": "wav",
        "digest": {"sha256": "a" * 64},
        "annotations": {"kind": "pcm"},
    }
    assert made["predicate"]["provenance"]["generation_params"] == {"seed": str(2**63), "energy": 0.82}


def test_it_reads_back_as_a_claim():
    claim = st.read(build())
    assert (claim.certificate_id, claim.title, claim.artist, claim.declared) == (
        "cert_1",
        "Untitled 03",
        "Demo Artist",
        False,
    )
    assert claim.subjects == (WAV, MP3)
    assert claim.covers("pcm", "a" * 64)
    assert not claim.covers("mpeg-stream", "a" * 64)  # the kind is part of the hash's meaning


def test_the_signature_and_the_transaction_are_never_signed():
    made = build(provenance={"type": "ai_generated", "o8_signature": "0x1", "blockchain_tx": "0x2"})
    assert not {"o8_signature", "blockchain_tx"} & set(made["predicate"]["provenance"])
    shown = st.with_outside_fields(made["predicate"]["provenance"], o8_signature="0xabc")
    assert (shown["o8_signature"], shown["blockchain_tx"]) == ("0xabc", None)


def test_a_missing_time_is_now_and_any_offset_becomes_utc():
    now = datetime(2026, 2, 7, 12, 0, 0, 123456, tzinfo=UTC)
    assert build(provenance={}, now=now)["predicate"]["provenance"]["timestamp"] == "2026-02-07T12:00:00Z"
    cet = datetime(2026, 2, 7, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert st.utc_text(cet) == st.utc_text("2026-02-07T13:00:00+01:00") == "2026-02-07T12:00:00Z"


def test_someone_elses_word_is_marked_as_declared():
    made = build(declared=True, provenance={})
    assert st.read(made).declared
    assert made["predicate"]["provenance"]["type"] == "declared"


@pytest.mark.parametrize(
    "changes",
    [
        {"subjects": []},
        {"subjects": [WAV, WAV]},
        {"subjects": [st.Subject("wav", "pcm", "A" * 64)]},
        {"subjects": [st.Subject("wav", "tape", "a" * 64)]},
        {"provenance": {"timestamp": "yesterday"}},
        {"provenance": {"timestamp": 7}},
        {"provenance": {"type": 7}},
        {"provenance": {"type": ""}},
        {"provenance": {"notes": "x" * 40_000}},
    ],
)
def test_a_statement_that_cannot_stand_is_refused(changes):
    with pytest.raises(st.StatementError):
        build(**changes)


def test_a_number_that_is_none_is_refused():
    with pytest.raises(CanonicalError):
        build(provenance={"generation_params": {"energy": math.nan}})


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: s.pop("subject"),
        lambda s: s.update(subject=[]),
        lambda s: s.update(_type="x"),
        lambda s: s.update(predicateType="https://example.org/other/v9"),
        lambda s: s["predicate"].pop("provenance"),
        lambda s: s["predicate"].update(provenance=[]),
        lambda s: s["predicate"].pop("certificate"),
        lambda s: s["subject"].append(7),
    ],
)
def test_a_statement_of_the_wrong_shape_is_refused(edit):
    made = build()
    edit(made)
    with pytest.raises(st.StatementError):
        st.read(made)


@pytest.mark.parametrize("value", [None, 7, "text", [], {}])
def test_something_else_entirely_is_refused(value):
    with pytest.raises(st.StatementError):
        st.read(value)


def test_every_version_that_was_ever_signed_is_read():
    """1.1 and 1.2 added fields and changed the meaning of none: the vectors in tests/vectors were signed as 1."""
    made = build()
    assert made["predicate"]["version"] == "1.2"
    for version in ("1", "1.1", "1.2"):
        old = {**made, "predicate": {**made["predicate"], "version": version}}
        assert st.read(old) == st.read(made)
