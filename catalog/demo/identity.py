"""An artist within a style: what they have settled on, drawn from their seed or chosen by hand."""

from __future__ import annotations

from dataclasses import dataclass

from .model import stream
from .styles import Style
from .traits import Traits


@dataclass(frozen=True)
class Identity:
    """What an artist has settled on within a style. seed fixes the grain of the drums and the room."""

    seed: int
    style: Style
    traits: Traits
    bass: tuple[str, ...]
    pad: str
    keys: str
    leads: tuple[str, ...]
    arp: str
    percussion: tuple[str, ...]
    texture: str
    swing: float


def identity_of(style: Style, artist_seed: int) -> Identity:
    """The same artist always chooses the same."""

    def one(name: str, options: tuple[str, ...]) -> str:
        return options[int(stream(artist_seed, style.slug, name).integers(len(options)))]

    def some(name: str, options: tuple[str, ...], count: int = 2) -> tuple[str, ...]:
        order = stream(artist_seed, style.slug, name).permutation(len(options))
        return tuple(options[int(i)] for i in order[:count])

    return Identity(
        seed=artist_seed,
        style=style,
        traits=style.traits.drawn(stream(artist_seed, style.slug, "traits"), 0.28),
        bass=some("bass", style.bass),
        pad=one("pad", style.pads),
        keys=one("keys", style.keys),
        leads=some("leads", style.leads),
        arp=one("arp", style.arps),
        percussion=some("percussion", style.percussion),
        texture=one("texture", style.textures),
        swing=style.swing * float(stream(artist_seed, style.slug, "swing").uniform(0.7, 1.2)),
    )
