"""How much energy a track has, as a percentile against the frozen background.

An absolute scale saturates (club tracks all read 1.0) or sinks; a percentile cannot. What is ranked
is a weighted sum of what a listener calls energy: how hard and how often it hits, how much of the
sound is percussion, how much the low end weighs and moves, how little it lets up, and how compressed
it is. Nothing in it depends on how loud the file is. Tempo does not enter: a half-time track at
178 BPM is no more energetic than its hits are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from catalog.analysis.frontend import FPS, Front
from catalog.analysis.loudness import Loudness
from catalog.analysis.model import Bars

# Per measure: median over the background, half the width of its middle two thirds, and weight.
SCALE: dict[str, tuple[float, float, float]] = {
    "onset_strength": (0.0153, 0.0055, 1.0),
    "onset_rate": (1.83, 0.77, 0.7),
    "drum_share": (0.274, 0.113, 0.5),
    "low_motion": (0.053, 0.023, 0.7),
    "fullness_db": (-14.3, 3.3, 0.5),
    "compression_db": (-11.3, 3.8, 0.7),
    "low_weight": (-0.65, 0.19, 0.7),
}


def measures_of(front: Front, bars: Bars, loudness: Loudness) -> dict[str, float]:
    """The raw figures of energy, stored so that a new background re-scores without decoding.

    Strengths in log units per frame, onset_rate per second, drum_share 0..1, fullness_db: the level
    of the quieter moments under the peak level, compression_db: loudness under the sample peak,
    low_weight: log10 of power at 32-118 Hz over all power. Empty for a silent file.
    """
    part = slice(front.first, front.last)
    onset = front.onset[part]
    if front.silent or not len(onset) or loudness.lufs is None or loudness.peak_dbfs is None:
        return {}
    level = front.level_db[part].astype(np.float64)
    active = level > level.max() - 30
    crest = onset > onset.mean() + onset.std()
    starts = np.count_nonzero(crest[1:] & ~crest[:-1])
    power = np.mean(10 ** (level / 10)) * front.gain**2
    return {
        "onset_strength": float(onset.mean()),
        "onset_rate": float(starts / max(len(onset) / FPS, 1.0)),
        "drum_share": float(np.average(bars.drums, weights=10 ** (bars.rms_db / 10))) if len(bars) else 0.2,
        "low_motion": float(front.flux[part, 0].mean()),
        "fullness_db": float(np.percentile(level[active], 30) - level.max()),
        "compression_db": loudness.lufs - loudness.peak_dbfs,
        "low_weight": float(np.log10(max(front.low[part].mean(dtype=np.float64) / power, 1e-4))),
    }


def raw_energy(measures: Mapping[str, float]) -> float | None:
    """The weighted sum that is ranked, about -2..2. None without measures (a silent file)."""
    if not measures:
        return None
    total = sum(weight for _, _, weight in SCALE.values())
    score = sum(
        weight * 2 * float(np.tanh((measures[name] - centre) / (2 * spread)))
        for name, (centre, spread, weight) in SCALE.items()
    )
    return score / total
