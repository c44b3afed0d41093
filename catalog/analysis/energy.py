"""How much energy a track has, as a percentile against the frozen background.

An absolute scale saturates (club tracks all read 1.0) or sinks; a percentile cannot. What is ranked
is a weighted sum of what a listener calls energy: how hard and how often it hits, how much of the
sound is percussion, how much the low end weighs and moves, how little it lets up, and how compressed
it is. Nothing in it depends on how loud the file is, and neither brightness nor tempo enters: a
half-time track at 178 BPM is no more energetic than its hits are.

Measured on 61 recordings of packages that no figure here was taken from, two fifths of them hard techno
for games: 5th percentile .11, quartiles .37, .71, .91, 95th .96, highest .98. On all 139 recordings the
quartiles are .30, .63, .90; the version before this one read .31, .65, .96.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from catalog.analysis.frontend import FPS, Front
from catalog.analysis.loudness import Loudness
from catalog.analysis.model import Bars

# Per measure: median, half the width of the middle two thirds, and weight. The first two over 78 game-music
# recordings (half of 35 Debian packages, chosen by the hash of their names) and 45 procedural tracks of 15 styles.
SCALE: dict[str, tuple[float, float, float]] = {
    "onset_strength": (0.0172, 0.0061, 1.0),
    "onset_rate": (2.05, 1.14, 0.8),
    "drum_share": (0.331, 0.107, 0.4),
    "low_motion": (0.0536, 0.0244, 0.3),
    "fullness_db": (-14.45, 4.40, 0.6),
    "compression_db": (-12.74, 3.35, 0.5),
    "low_weight": (-0.810, 0.301, 0.3),
}
# A hit counts from this strength on: pads and pianos have many small crests.
_LEAST_HIT = 0.04


def measures_of(front: Front, bars: Bars, loudness: Loudness) -> dict[str, float]:
    """The raw figures of energy, stored so that a new background re-scores without decoding.

    Strengths in log units per frame, onset_rate: clear hits per second, drum_share 0..1, fullness_db: the level
    of the quieter moments under the peak level, compression_db: loudness under the sample peak,
    low_weight: log10 of power at 32-118 Hz over all power. Empty for a silent file.
    """
    part = slice(front.first, front.last)
    onset = front.onset[part]
    if front.silent or not len(onset) or loudness.lufs is None or loudness.peak_dbfs is None:
        return {}
    level = front.level_db[part].astype(np.float64)
    active = level > level.max() - 30
    crest = onset > max(float(onset.mean() + onset.std()), _LEAST_HIT)
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
    """The weighted sum that is ranked, about -3..3. None without measures (a silent file).

    Each measure is compressed by asinh, which has no ceiling: beyond any reference two tracks differ.
    """
    if not measures:
        return None
    total = sum(weight for _, _, weight in SCALE.values())
    score = sum(
        weight * float(np.arcsinh((measures[name] - centre) / spread))
        for name, (centre, spread, weight) in SCALE.items()
    )
    return score / total
