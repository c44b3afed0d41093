"""Any number of labelled tracks in any style: material for the similarity background and for tests."""

from __future__ import annotations

from .arrangement import form_for
from .identity import identity_of
from .model import DemoKey, Rendered, stream
from .producer import produce
from .styles import STYLES


def render_style(
    style: str,
    artist_seed: int,
    track_seed: int,
    seconds: float,
    bpm: float | None = None,
    key: DemoKey | None = None,
    lead_in: float = 0.0,
) -> Rendered:
    """A track of about this many seconds by the artist that this seed stands for.

    style is a slug of STYLES (KeyError otherwise). Tempo (in half steps) and key are drawn from the style unless
    given. The length is rounded to a multiple of four bars, at least twelve.
    """
    table = STYLES[style]
    rng = stream(track_seed, artist_seed, style, "tempo and key")
    low, high = table.bpm
    drawn = round(float(rng.uniform(low, high)) * 2) / 2
    mode = "minor" if rng.random() < table.minor else "major"
    tonic = int(rng.integers(12))
    tempo = float(bpm) if bpm is not None else drawn
    plan = form_for(round(seconds * tempo / 240.0))
    return produce(
        identity_of(table, artist_seed),
        track_seed=track_seed,
        plan=plan,
        bpm=tempo,
        key=key or DemoKey(tonic, mode),
        lead_in=lead_in,
    )
