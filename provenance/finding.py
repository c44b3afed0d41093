"""Which certified recordings are worth a closer look, for a fingerprint: an index of its numbers in the database.

A copy keeps some of the 32-bit numbers of its fingerprint bit for bit, and those lie on one diagonal with the
original's (catalog.audio.copies). Entered are only numbers that a hash picks, one of EVERY: the same numbers are picked
in the copy. So a question costs as much as it has numbers, and hardly more with every certificate. Recordings with the
most hits on a diagonal are then compared bit by bit as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.db.models import Count, QuerySet

from catalog.matching import shelves
from provenance.models import Certificate, CertifiedFingerprint, FingerprintNumber

if TYPE_CHECKING:
    from catalog.audio.copies import Shelf

EVERY = 16
SCANNED_AT_MOST = 2_000  # fingerprints: so few are read through in a moment, which misses nothing
LOOKED_AT = 64
ON_A_SHELF = 256  # fingerprints: a few megabytes at a time
_REPEATS = 8  # places of one number in a recording: a loop has it in every bar
_ROWS = 100_000  # looked at for one question, of the rarest numbers: the others tell nothing
_ASKED = 500  # numbers in one query
_BIN = 8  # frames: a diagonal is this wide, as a slightly wrong speed drifts


def keep(certificate: Certificate, marks: np.ndarray) -> None:
    """Store and enter the fingerprint of a certified recording; again is the same."""
    row, _ = CertifiedFingerprint.objects.update_or_create(
        certificate=certificate, defaults={"data": marks.astype("<u4").tobytes(), "indexed": False}
    )
    enter(row)


def enter(row: CertifiedFingerprint) -> None:
    """Enter the numbers of a stored fingerprint, unless that was done meanwhile or it was deleted."""
    with transaction.atomic():
        held = CertifiedFingerprint.objects.select_for_update().filter(pk=row.pk, indexed=False).first()
        if held is None:  # two at once would enter it twice
            return
        numbers, places = _picked(np.frombuffer(bytes(held.data), "<u4"))
        entries = (
            FingerprintNumber(fingerprint=held, number=number, place=place)
            for number, place in zip(numbers.tolist(), places.tolist(), strict=True)
        )
        FingerprintNumber.objects.filter(fingerprint=held).delete()
        FingerprintNumber.objects.bulk_create(entries, batch_size=1_000)
        CertifiedFingerprint.objects.filter(pk=held.pk).update(indexed=True)


def known() -> bool:
    return CertifiedFingerprint.objects.exists()


def worth_a_look(marks: Sequence[np.ndarray]) -> list[Callable[[], Shelf]]:
    """Shelves of certificates that may share something with one of these fingerprints of a recording."""
    stored = CertifiedFingerprint.objects.order_by("pk")
    if stored.count() > SCANNED_AT_MOST:
        nearest = stored.filter(pk__in=candidates(marks), indexed=True)
        waiting = stored.filter(indexed=False)
        return [load for some in (nearest, waiting) for load in _shelves(some)]
    return _shelves(stored)


def candidates(marks: Sequence[np.ndarray]) -> list[int]:
    """Keys of the fingerprints with the most hits on one diagonal, LOOKED_AT at most, best first."""
    picked = [_picked(one) for one in marks]
    rows = np.array(list(_rows(np.unique(np.concatenate([numbers for numbers, _ in picked])))), np.int64)
    if not len(rows):
        return []
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    best: dict[int, int] = {}
    for numbers, places in picked:
        for pk, hits in _hits(rows, numbers, places):
            best[pk] = max(hits, best.get(pk, 0))
    return sorted(best, key=lambda pk: -best[pk])[:LOOKED_AT]


def _shelves(stored: QuerySet[CertifiedFingerprint]) -> list[Callable[[], Shelf]]:
    return shelves(stored, "certificate_id", each=ON_A_SHELF)


def _picked(marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(numbers, places) of those that are entered. Signed: databases have no other integers. Silence (0) is none."""
    marks = np.asarray(marks, np.uint32)
    mixed = marks * np.uint32(0x9E37_79B1)  # Fibonacci hashing; it wraps around
    places = np.flatnonzero((mixed >> np.uint32(16)) % np.uint32(EVERY) == 0)
    places = places[marks[places] != 0]
    order = np.argsort(marks[places], kind="stable")
    numbers, places = marks[places][order], places[order]
    begins = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]])[: len(numbers)])
    nth = np.arange(len(numbers)) - np.repeat(begins, np.diff(np.append(begins, len(numbers))))
    kept = nth < _REPEATS
    return numbers[kept].view(np.int32).astype(np.int64), places[kept]


def _rows(numbers: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(number, fingerprint, place) of what is entered under these numbers, the rarest first, until it is enough."""
    entered = FingerprintNumber.objects.order_by()
    counted: list[tuple[int, int]] = []
    for some in _batches(numbers):
        counted += entered.filter(number__in=some).values_list("number").annotate(Count("pk"))
    counted.sort(key=lambda one: one[1])
    enough = int(np.searchsorted(np.cumsum([many for _, many in counted]), _ROWS, side="right"))
    for some in _batches(np.array([number for number, _ in counted[:enough]], np.int64)):
        yield from entered.filter(number__in=some).values_list("number", "fingerprint_id", "place")


def _batches(numbers: np.ndarray) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _ASKED):
        yield numbers[start : start + _ASKED].tolist()


def _hits(rows: np.ndarray, numbers: np.ndarray, places: np.ndarray) -> Iterator[tuple[int, int]]:
    """(fingerprint, hits) on the best diagonal of each. rows: in order of their numbers."""
    low, high = (np.searchsorted(rows[:, 0], numbers, side=side) for side in ("left", "right"))
    each = high - low
    frame = np.repeat(places, each)
    inner = np.arange(len(frame)) - np.repeat(np.cumsum(each) - each, each)
    found = rows[np.repeat(low, each) + inner]
    for offset in (0, _BIN // 2):  # every hit counts in the bin it lies in and in one half a bin earlier
        diagonal = (found[:, 2] - frame + offset) // _BIN
        cells = np.unique(np.column_stack([found[:, 1], diagonal, frame]), axis=0)  # one frame counts once
        bins, hits = np.unique(cells[:, :2], axis=0, return_counts=True)
        yield from zip(bins[:, 0].tolist(), hits.tolist(), strict=True)
