"""Stable Audio as a service of Stability AI: their machines, a key, and credits for each take."""

from __future__ import annotations

from generation.engines.stability.engine import StabilityAPI

__all__ = ["StabilityAPI"]
