"""Stable Audio Open: music from words by diffusion, in stereo at 44.1 kHz, through diffusers."""

from __future__ import annotations

from generation.engines.stable_audio.engine import StableAudio

__all__ = ["StableAudio"]
