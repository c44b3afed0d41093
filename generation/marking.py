"""A finished take gets its watermark: the master and every stem by the very same gains, so that they still add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from generation.engines.base import EngineError, Rendering
from generation.mastering import ceiling_curve
from provenance import watermark
from provenance.watermark import Pattern

CEILING_DBTP = -1.0


@dataclass(frozen=True)
class Marked:
    """rendering: with marked sound. stated: what the statement says of the mark, and whether it can be read there."""

    rendering: Rendering
    stated: dict[str, Any]


def marked(rendering: Rendering, serial: int, pattern: Pattern) -> Marked:
    """The rendering with `serial` in its sound, no true peak above the ceiling, and all else as it was.

    The same for the same rendering, serial and pattern. Raises ValueError for a rate that the mark is not made for.
    """
    done, stated = _marked(rendering, serial, pattern)
    heard = watermark.readable(done.audio, done.sample_rate, pattern, serial)
    return Marked(done, {**stated, "readable": heard})


def _marked(rendering: Rendering, serial: int, pattern: Pattern) -> tuple[Rendering, dict[str, Any]]:
    rate = rendering.sample_rate
    mark = watermark.plan(rendering.audio, rate, serial, pattern)
    audio = mark.apply(rendering.audio)
    curve, peak = ceiling_curve(audio, rate, CEILING_DBTP)

    def under(samples: np.ndarray) -> np.ndarray:
        return samples if curve is None else np.multiply(samples, curve, out=samples)

    stems = {name: under(mark.apply(samples)) for name, samples in rendering.stems.items()}
    stated = {
        "scheme": watermark.SCHEME,
        "version": watermark.VERSION,
        "serial": serial,
        "key_id": pattern.key_id,
        "level": mark.audibility.to_json(),
        "true_peak_dbtp": round(peak, 2),
    }
    return replace(rendering, audio=under(audio), stems=stems), stated


def again(rendering: Rendering, stated: dict[str, Any], pattern: Pattern) -> Rendering:
    """The same samples marked once more as `stated` says. Raises EngineError when that is not possible any more."""
    if (stated.get("scheme"), stated.get("version")) != (watermark.SCHEME, watermark.VERSION):
        raise EngineError(
            "This take was marked by another version of the watermark, so its files cannot come back as they were. "
            "It can be made as a new take, with a certificate of its own."
        )
    if stated.get("key_id") != pattern.key_id:
        raise EngineError(
            "This take was marked with a secret that is no longer here, so its files cannot come back as they were. "
            "Restore the file STARFORGE_WATERMARK_SECRET from a backup, or make the take anew."
        )
    return _marked(rendering, int(stated["serial"]), pattern)[0]
