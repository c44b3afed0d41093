"""Mosaic composes from the artist's own tracks: plan first, sound second, every bar accounted for."""

from __future__ import annotations

from generation.engines.mosaic.engine import Mosaic, workshop_for
from generation.engines.mosaic.lineage import source_map
from generation.engines.mosaic.plan import Plan

__all__ = ["Mosaic", "Plan", "source_map", "workshop_for"]
