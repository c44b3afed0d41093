"""Certified recordings from before fingerprints, or their index, come into it: in pieces, once; by a command too."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from catalog.models import Fingerprint
from provenance import finding, late_fingerprints
from provenance.models import Certificate, CertifiedFingerprint, FingerprintNumber
from tests import rows
from tests.provenance.test_finding import coded, numbers

Certify = Callable[..., Certificate]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_fingerprints, "EACH", 2)
    monkeypatch.setattr(late_fingerprints, "_complete", False)
    monkeypatch.setattr(finding, "SCANNED_AT_MOST", 0)


def stored(certificate: Certificate, seed: int) -> CertifiedFingerprint:
    """As one was kept before there was an index."""
    data = numbers(seed).astype("<u4").tobytes()
    return CertifiedFingerprint.objects.create(certificate=certificate, data=data)


def test_what_was_stored_before_the_index_is_entered_piece_by_piece(
    certify: Certify, files: dict[str, Path]
) -> None:
    made = [stored(certify({"mp3": files["mp3"]}), seed) for seed in range(3)]
    assert finding.candidates([coded(numbers(2))]) == []
    assert late_fingerprints.recover() == 2  # whatever ends it here, the rest is still waiting
    assert list(CertifiedFingerprint.objects.filter(indexed=False)) == made[2:]
    assert late_fingerprints.recover() == 1
    for seed, row in enumerate(made):
        assert finding.candidates([coded(numbers(seed))]) == [row.pk]
    before = FingerprintNumber.objects.count()
    finding.enter(made[0])  # a second worker that had listed it too
    assert late_fingerprints.recover() == 0 and FingerprintNumber.objects.count() == before


def test_an_origin_stamp_gets_the_fingerprint_of_its_track(
    artist: Any, certify: Certify, files: dict[str, Path]
) -> None:
    tracks = [rows.ready_track(artist, seed=seed) for seed in range(3)]
    made = [certify({"mp3": files["mp3"]}, track=track, declared=True) for track in tracks]
    for seed, track in enumerate(tracks[:2]):  # nothing was ever measured of the third
        Fingerprint.objects.create(track=track, data=numbers(seed).astype("<u4").tobytes())
    assert (late_fingerprints.recover(), late_fingerprints.recover(), late_fingerprints.recover()) == (
        2,
        0,
        0,
    )
    found = finding.candidates([coded(numbers(1))])
    assert found == [CertifiedFingerprint.objects.get(certificate=made[1]).pk]


def test_the_command_enters_everything_and_listens_to_takes(
    artist: Any, certify: Certify, files: dict[str, Path]
) -> None:
    stored(certify({"mp3": files["mp3"]}), 1)
    here, gone = (rows.take_of(artist, certificate=certify({"wav": files["wav"]})) for _ in range(2))
    assert here.certificate is not None and gone.certificate is not None
    shutil.rmtree(gone.folder)
    told = [io.StringIO(), io.StringIO()]
    for out in told:
        call_command("index_fingerprints", stdout=out)
    assert "1 fingerprints entered, 1 takes listened to; of 1 takes the sound is gone" in told[0].getvalue()
    assert "0 fingerprints entered, 0 takes listened to" in told[1].getvalue()  # again is the same
    row = CertifiedFingerprint.objects.get(certificate=here.certificate)
    assert row.indexed and len(np.frombuffer(bytes(row.data), "<u4")) > 0
    assert not CertifiedFingerprint.objects.filter(certificate=gone.certificate).exists()
