"""Pictures drawn from data, as inline SVG: no script, no foreign library, readable in print.

Colours come from classes of base.css (`ink`, `past`, `hair`, `line`, `mark`, `soft` …), so that a picture is
right on the light page and in the dark certificate alike. Every function answers a SafeString; numbers are
formatted here and words are escaped here. Pictures whose labels would become too small on a phone exist in
two drawings: `wide` and `slim`; CSS shows one.
"""

from __future__ import annotations

from catalog.svg.agreement import agreement
from catalog.svg.curves import energy_curve
from catalog.svg.descent import chosen, genealogy
from catalog.svg.losses import losses
from catalog.svg.periods import beside, drift, window_name
from catalog.svg.profiles import BANDS, energy, palette, tempo
from catalog.svg.takes import LAYERS, built_from
from catalog.svg.waveforms import levels, sections, share, wave, waves
from catalog.svg.wheel import key_control, key_wheel

__all__ = [
    "BANDS",
    "LAYERS",
    "agreement",
    "beside",
    "built_from",
    "chosen",
    "drift",
    "energy",
    "energy_curve",
    "genealogy",
    "key_control",
    "key_wheel",
    "levels",
    "losses",
    "palette",
    "sections",
    "share",
    "tempo",
    "wave",
    "waves",
    "window_name",
]
