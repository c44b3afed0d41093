"""The three demo artists: who they are, what they sound like, and the recipes of their tracks."""

from __future__ import annotations

from dataclasses import replace

from .arrangement import FORMS
from .identity import Identity
from .model import PITCH_NAMES, DemoArtist, DemoKey, DemoTrack, Rendered
from .producer import produce
from .session import TAIL_SECONDS
from .styles import STYLES

# title, BPM, key, form, genre tags beyond the first
_Row = tuple[str, float, str, str, str]

_LOW_MERIDIAN: tuple[_Row, ...] = (
    ("Tidewall", 140.0, "F minor", "radio", "UK Bass"),
    ("Ninth Lantern", 140.0, "E minor", "double", "Dubstep"),
    ("Salt Hymn", 138.5, "G minor", "short", "Dubstep"),
    ("Copper Monsoon", 141.0, "F minor", "radio", "Tribal Bass"),
    ("Undertow Parish", 139.0, "D minor", "double", "Dubstep"),
    ("Moth Signal", 142.0, "F# minor", "radio", "UK Bass"),
    ("Basalt Prayer", 140.0, "E minor", "tool", "Dubstep"),
    ("Harbour at Zero", 138.0, "G minor", "double", "Dubstep"),
    ("Dervish Brake", 140.5, "D minor", "radio", "Tribal Bass"),
    ("Cistern Light", 139.5, "F minor", "short", "Dubstep"),
    ("The Long Pylon", 141.5, "A minor", "double", "UK Bass"),
    ("Quiet Siren", 140.0, "F# minor", "radio", "Dubstep"),
)
_PALOMA_GRID: tuple[_Row, ...] = (
    ("Balcony Season", 122.0, "A minor", "double", "Deep House"),
    ("Apricot Hours", 121.5, "C major", "short", "House"),
    ("Last Tram to Lido", 123.0, "D minor", "double", "Deep House"),
    ("Velvet Arithmetic", 122.5, "G minor", "radio", "House"),
    ("Slow Elevator", 120.0, "F major", "short", "Deep House"),
    ("Two Coins for the Jukebox", 124.0, "A minor", "double", "House"),
    ("Sunday Wiring", 121.0, "E minor", "double", "Deep House"),
    ("Terrazzo", 123.5, "C minor", "radio", "Tech House"),
    ("Paper Parasol", 122.0, "G major", "short", "House"),
    ("Kind Strangers", 122.0, "D minor", "double", "Deep House"),
    ("Postcard from Upstairs", 120.5, "A minor", "short", "House"),
    ("Half Moon Diner", 124.5, "B minor", "double", "House"),
)
_KESTREL_STATIC: tuple[_Row, ...] = (
    ("Ridge Runner", 174.0, "E minor", "long", "Drum and Bass"),
    ("Glasshouse Rain", 172.0, "A minor", "club", "Liquid"),
    ("Afterimage", 172.5, "D minor", "tool", "Drum and Bass"),
    ("Northbound by Ear", 173.0, "G minor", "long", "Drum and Bass"),
    ("Feather and Wire", 171.0, "B minor", "radio", "Liquid"),
    ("Cold Orchard", 172.0, "E minor", "long", "Atmospheric"),
    ("Signal over the Fen", 170.5, "F# minor", "tool", "Atmospheric"),
    ("Murmuration", 174.5, "A minor", "club", "Liquid"),
    ("Slipstream Letters", 172.0, "D major", "radio", "Liquid"),
    ("Vapour Map", 173.5, "C minor", "long", "Drum and Bass"),
    ("Heron Dusk", 170.0, "A minor", "tool", "Atmospheric"),
    ("Every Mile a Minute", 172.0, "G minor", "club", "Drum and Bass"),
)


def _key(name: str) -> DemoKey:
    tonic, mode = name.split()
    return DemoKey(PITCH_NAMES.index(tonic), mode)


def _artist(slug: str, name: str, style: str, bio: str, seed: int, rows: tuple[_Row, ...]) -> DemoArtist:
    main = STYLES[style].genres[0]
    tracks = []
    for number, (title, bpm, key, form, tag) in enumerate(rows):
        bars = sum(count for _, count in FORMS[form])
        tracks.append(
            DemoTrack(
                title=title,
                artist=name,
                style=style,
                bpm=bpm,
                key=_key(key),
                form=form,
                seed=seed * 1000 + number,
                artist_seed=seed,
                genres=(main,) if tag == main else (main, tag),
                seconds=round(bars * 240.0 / bpm + TAIL_SECONDS, 3),
            )
        )
    return DemoArtist(slug=slug, name=name, genre=main, bio=bio, seed=seed, tracks=tuple(tracks))


ARTISTS: tuple[DemoArtist, ...] = (
    _artist(
        "low-meridian",
        "Low Meridian",
        "dubstep",
        "Half-time weight from a harbour town: hand drums, long shadows and a sub you feel before you hear it.",
        41,
        _LOW_MERIDIAN,
    ),
    _artist(
        "paloma-grid",
        "Paloma Grid",
        "house",
        "Warm chords and patient drums for rooms with one good lamp and nowhere else to be.",
        42,
        _PALOMA_GRID,
    ),
    _artist(
        "kestrel-static",
        "Kestrel Static",
        "drum-and-bass",
        "Fast breaks under wide skies, written on night trains and finished before the stop.",
        43,
        _KESTREL_STATIC,
    ),
)


def identity(seed: int) -> Identity:
    """The fixed sound of a demo artist, by its seed."""
    return _IDENTITIES[seed]


def render(track: DemoTrack) -> Rendered:
    """The finished audio of a demo track, with its truth."""
    return produce(
        identity(track.artist_seed),
        track_seed=track.seed,
        plan=FORMS[track.form],
        bpm=track.bpm,
        key=track.key,
    )


_IDENTITIES: dict[int, Identity] = {
    41: Identity(
        seed=41,
        style=STYLES["dubstep"],
        traits=replace(STYLES["dubstep"].traits, kick_hz=47.0, perc_tune=0.96, hat_metal=0.35),
        bass=("wobble", "growl"),
        pad="choir",
        keys="stab",
        leads=("reed", "kalimba"),
        arp="kalimba",
        percussion=("tabla", "hand"),
        texture="wind",
        swing=0.0,
    ),
    42: Identity(
        seed=42,
        style=STYLES["house"],
        traits=replace(STYLES["house"].traits, kick_hz=53.0, hat_metal=0.6),
        bass=("pluck", "organ"),
        pad="warm",
        keys="rhodes",
        leads=("pluck", "bell"),
        arp="bell",
        percussion=("conga", "shaker"),
        texture="",
        swing=0.18,
    ),
    43: Identity(
        seed=43,
        style=STYLES["drum-and-bass"],
        traits=replace(STYLES["drum-and-bass"].traits, kick_hz=55.0, perc_tune=1.06),
        bass=("reese",),
        pad="strings",
        keys="rhodes",
        leads=("bell", "flute"),
        arp="pluck",
        percussion=("shaker", "rims"),
        texture="",
        swing=0.0,
    ),
}
