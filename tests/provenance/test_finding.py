"""The index of fingerprints: asked for a copy, it names the original among others, at a cost that does not grow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provenance import finding, likeness
from provenance.models import Certificate, CertifiedFingerprint, FingerprintNumber

Certify = Callable[..., Certificate]
pytestmark = pytest.mark.django_db(transaction=True)


def numbers(seed: int, frames: int = 4_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 1 << 32, frames, dtype=np.uint32)


def coded(marks: np.ndarray, share: float = 0.6) -> np.ndarray:
    """As a coder leaves them: in this share of the numbers a few bits differ."""
    chosen = np.random.default_rng(0)
    flips = np.uint32(1) << chosen.integers(0, 32, len(marks)).astype(np.uint32)
    flips |= np.uint32(1) << chosen.integers(0, 32, len(marks)).astype(np.uint32)
    return marks ^ np.where(chosen.random(len(marks)) < share, flips, 0).astype(np.uint32)


@pytest.fixture
def known(certify: Certify, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> list[Certificate]:
    monkeypatch.setattr(finding, "SCANNED_AT_MOST", 0)
    made = [certify({"mp3": files["mp3"]}) for _ in range(4)]
    for seed, one in enumerate(made):
        finding.keep(one, numbers(seed))
    return made


def test_a_copy_leads_to_its_original_and_a_stranger_to_none(known: list[Certificate]) -> None:
    for at, one in enumerate(known):
        copy = coded(numbers(at)[900:2_400])
        assert finding.candidates([copy])[0] == CertifiedFingerprint.objects.get(certificate=one).pk
        found = likeness.likeliest([copy], finding.worth_a_look([copy]))
        assert found is not None and found.best.id == one.pk
    stranger = numbers(99)
    assert likeness.likeliest([stranger], finding.worth_a_look([stranger])) is None
    assert finding.candidates([np.zeros(4_000, np.uint32)]) == []  # silence
    assert finding.candidates([np.zeros(0, np.uint32)]) == []


def test_of_several_speeds_the_one_that_fits_is_found(known: list[Certificate]) -> None:
    asked = [numbers(50), coded(numbers(2)), numbers(51)]
    found = likeness.likeliest(asked, finding.worth_a_look(asked), (0.99, 1.0, 1.01))
    assert found is not None and (found.best.id, found.best.speed) == (known[2].pk, 1.0)


def test_only_what_shares_numbers_is_read(
    known: list[Certificate], certify: Certify, files: dict[str, Path]
) -> None:
    copy = coded(numbers(1))
    assert [len(load().ids) for load in finding.worth_a_look([copy])] == [1]
    with CaptureQueriesContext(connection) as before:
        finding.worth_a_look([copy])
    finding.keep(certify({"mp3": files["mp3"]}), numbers(7))
    with CaptureQueriesContext(connection) as after:
        assert [len(load().ids) for load in finding.worth_a_look([copy])] == [1]
    assert len(after) <= len(before) + 1  # and the one shelf


def test_entering_again_changes_nothing_and_what_waits_is_read_through(known: list[Certificate]) -> None:
    row = CertifiedFingerprint.objects.get(certificate=known[3])
    entered = FingerprintNumber.objects.filter(fingerprint=row).count()
    assert 4_000 / finding.EVERY / 1.5 < entered < 4_000 / finding.EVERY * 1.5
    finding.enter(row)
    assert FingerprintNumber.objects.filter(fingerprint=row).count() == entered
    FingerprintNumber.objects.filter(fingerprint=row).delete()
    CertifiedFingerprint.objects.filter(pk=row.pk).update(indexed=False)
    copy = coded(numbers(3))
    assert finding.candidates([copy]) == []
    found = likeness.likeliest([copy], finding.worth_a_look([copy]))
    assert found is not None and found.best.id == known[3].pk


def test_a_loop_does_not_fill_the_index(certify: Certify, files: dict[str, Path]) -> None:
    certificate = certify({"mp3": files["mp3"]})
    finding.keep(certificate, np.tile(numbers(5, 40), 100))
    counted = FingerprintNumber.objects.filter(fingerprint__certificate=certificate).values_list("number")
    assert counted.count() <= 40 * 8
