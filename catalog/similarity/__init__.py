"""Similarity to a catalog: the frozen background, and the calibrated match against it.

Pure. A learned embedding takes the place of the hand-made one behind the same names: another background
file, which names its embedding and its blocks, and vectors of its kind in `CatalogModel`.
"""

from __future__ import annotations

from catalog.similarity.background import ASPECTS, BACKGROUND_PATH, Background
from catalog.similarity.blending import BlendedModel
from catalog.similarity.model import COPY_RATIO, LEAST_TRACKS, CatalogModel, Match, neighbours

__all__ = [
    "ASPECTS",
    "BACKGROUND_PATH",
    "COPY_RATIO",
    "LEAST_TRACKS",
    "Background",
    "BlendedModel",
    "CatalogModel",
    "Match",
    "neighbours",
]
