"""A recording that no hash knows any more, led back to its certificate by its sound: recognised, never verified.

First the watermark, whose number names one certificate; then the fingerprint, which names the likeliest. Coded,
trimmed, quieter and re-tagged copies are found so, at slightly other speeds too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from catalog.audio.copies import SPEEDS
from catalog.audio.decode import decode
from catalog.audio.errors import AudioError
from catalog.audio.fingerprint import fingerprint, fingerprints_at
from catalog.audio.limits import Limits
from provenance import finding, likeness, watermarks, wording
from provenance.models import Certificate
from provenance.watermark import Found, read

# Somebody waits at a page: of longer recordings the first ten minutes are listened to, of other speeds four.
LISTENED_SECONDS, SPEEDS_SECONDS = 600.0, 240.0
# Share of bits that differ: more than a coder changes, so perhaps the copy plays at another speed.
_DOUBTFUL = 0.08
_DRIFT = tuple(step * 4e-4 for step in range(-3, 4))  # around a speed the fingerprint found


@dataclass(frozen=True)
class Recognised:
    """level: "watermark" or "fingerprint". sentence: what was recognised by what; detail: the figures."""

    certificate: Certificate
    level: str
    sentence: str
    detail: dict[str, Any] = field(default_factory=dict)


def recognise(path: Path) -> Recognised | None:
    """Listen to a file of unknown origin, in a limited child. None for what cannot be read or is not known here."""
    try:
        decoded = decode(path, limits=Limits(min_seconds=0.0))
    except AudioError:
        return None
    samples = decoded.samples[:, : int(LISTENED_SECONDS * decoded.sample_rate)]
    return by_watermark(samples, decoded.sample_rate) or by_fingerprint(samples, decoded.sample_rate)


def by_watermark(
    samples: np.ndarray, sample_rate: int, speeds: tuple[float, ...] = (1.0,)
) -> Recognised | None:
    found = read(samples, sample_rate, watermarks.pattern(), speeds=speeds, given=watermarks.given())
    certificate = watermarks.certificate_of(found.serial) if found else None
    if found is None or certificate is None:
        return None
    return Recognised(certificate, "watermark", _said(found), _figures(found))


def by_fingerprint(samples: np.ndarray, sample_rate: int) -> Recognised | None:
    """The likeliest certified recording, at other speeds too; then the watermark once more, at that speed."""
    marks = [fingerprint(samples, sample_rate)]
    found = likeness.likeliest(marks, finding.worth_a_look(marks))
    if (found is None or found.best.errors > _DOUBTFUL) and finding.known():
        marks = fingerprints_at(samples[:, : int(SPEEDS_SECONDS * sample_rate)], sample_rate, SPEEDS)
        other = likeness.likeliest(marks, finding.worth_a_look(marks), SPEEDS)
        if other is not None and (found is None or other.best.errors < found.best.errors):
            found = other
            speeds = tuple(found.best.speed + drift for drift in _DRIFT)
            if (sure := by_watermark(samples, sample_rate, speeds)) is not None:
                return sure
    if found is None:
        return None
    named = [found.best.id, *([found.next.id] if found.next else [])]
    rows = Certificate.objects.select_related("entry", "key").in_bulk(named)
    best = rows.get(found.best.id)
    if best is None:  # deleted in this moment
        return None
    sentence = (
        f"By its sound it is very likely this recording: {found.best.seconds:.0f} seconds in a row agree, "
        f"and {1 - found.best.errors:.0%} of their fingerprint."
    )
    if abs(found.best.speed - 1.0) > 1e-3:
        sentence += (
            f" It plays {abs(found.best.speed - 1):.1%} too {'fast' if found.best.speed > 1 else 'slow'}."
        )
    second = rows.get(found.next.id) if found.next else None
    if second is not None:
        sentence += f" {second.pk}, by {wording.clip(second.artist_name)}, is nearly as close: perhaps a version of it."
    return Recognised(
        best,
        "fingerprint",
        sentence,
        {
            "seconds": round(found.best.seconds, 1),
            "covered": round(max(found.best.covered, found.best.of_other), 3),
            "bit_error_rate": round(found.best.errors, 4),
            "speed": found.best.speed,
            "next": second.pk if second else None,
        },
    )


def _said(found: Found) -> str:
    return (
        f"The sound carries number {found.serial:,}, which was put into this recording alone. Sound without a mark "
        "would show one in fewer than one of a million files."
    )


def _figures(found: Found) -> dict[str, Any]:
    return {
        "serial": found.serial,
        "score": round(found.score, 1),
        "false_positive_bound": found.false_positive,
        "corrected_bits": found.errors,
        "speed": found.speed,
    }
