"""Demo artists: music made by a small synthesiser, so that tempo, key and form are known exactly."""

from __future__ import annotations

from .artists import ARTISTS, render
from .background import render_style
from .model import DemoArtist, DemoKey, DemoTrack, Rendered, Section
from .styles import STYLES

__all__ = [
    "ARTISTS",
    "STYLES",
    "DemoArtist",
    "DemoKey",
    "DemoTrack",
    "Rendered",
    "Section",
    "render",
    "render_style",
]
