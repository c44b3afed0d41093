"""What the words of a prompt mean. Tables only; `prompting` reads with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """A genre as a prompt names it. bpm: usual range. felt: how its beat is counted. energy: a usual level."""

    name: str
    bpm: tuple[float, float]
    felt: str = "straight"
    energy: float = 0.6
    aliases: tuple[str, ...] = ()


STYLES: tuple[Style, ...] = (
    Style("Dubstep", (138, 142), "half-time", 0.75, ("dub step", "brostep")),
    Style("UK Bass", (130, 142), "half-time", 0.7, ("bass music", "uk bass music")),
    Style("UK Garage", (130, 136), "straight", 0.65, ("ukg", "2-step", "two-step", "2 step", "garage")),
    Style("Grime", (138, 142), "half-time", 0.75),
    Style(
        "Drum and Bass",
        (170, 176),
        "straight",
        0.8,
        ("dnb", "d&b", "d'n'b", "drum & bass", "drum n bass", "drum'n'bass", "liquid", "neurofunk"),
    ),
    Style("Jungle", (160, 172), "straight", 0.8),
    Style("House", (120, 126), "straight", 0.65, ("house music",)),
    Style("Deep House", (118, 124), "straight", 0.5),
    Style("Tech House", (124, 128), "straight", 0.7),
    Style("Afro House", (118, 124), "straight", 0.6),
    Style("Techno", (126, 138), "straight", 0.75),
    Style("Trance", (132, 140), "straight", 0.75),
    Style("Electro", (124, 134), "straight", 0.65),
    Style("Breakbeat", (125, 140), "straight", 0.7, ("breaks", "break beat", "nu skool breaks")),
    Style("Footwork", (158, 162), "half-time", 0.75, ("juke",)),
    Style("Jersey Club", (135, 145), "straight", 0.75),
    Style("Hip Hop", (84, 98), "straight", 0.5, ("hip-hop", "hiphop", "boom bap", "rap")),
    Style("Trap", (130, 150), "half-time", 0.65),
    Style("Drill", (138, 145), "half-time", 0.65),
    Style("Reggae", (68, 84), "straight", 0.4),
    Style("Dub", (66, 80), "straight", 0.4),
    Style("Dancehall", (92, 106), "straight", 0.6),
    Style("Amapiano", (110, 116), "straight", 0.55),
    Style("Afrobeats", (98, 114), "straight", 0.6, ("afrobeat",)),
    Style("Kuduro", (135, 142), "straight", 0.8),
    Style("Baile Funk", (128, 135), "straight", 0.75, ("funk carioca",)),
    Style("Disco", (112, 122), "straight", 0.65, ("nu disco", "nu-disco")),
    Style("Funk", (98, 112), "straight", 0.6),
    Style("Downtempo", (80, 100), "straight", 0.35, ("trip hop", "trip-hop", "chillout", "chill out")),
    Style("Lo-fi", (70, 90), "straight", 0.3, ("lofi", "lo fi")),
    Style("Ambient", (60, 90), "straight", 0.15, ("drone", "beatless")),
    Style("Rock", (100, 150), "straight", 0.7),
    Style("Pop", (96, 128), "straight", 0.6),
)


@dataclass(frozen=True)
class Mood:
    """energy, density: how far the word moves them. mode: the mode it leans to, if any."""

    name: str
    energy: float = 0.0
    density: float = 0.0
    mode: str = ""
    aliases: tuple[str, ...] = ()


MOODS: tuple[Mood, ...] = (
    Mood("dark", 0.0, 0.0, "minor", ("darker", "sinister", "ominous", "brooding", "menacing", "night")),
    Mood("bright", 0.05, 0.0, "major", ("brighter", "sunny", "shiny")),
    Mood("warm", -0.05, 0.0, "", ("warmer", "soulful")),
    Mood("cold", 0.0, -0.05, "minor", ("icy", "frozen")),
    Mood("happy", 0.1, 0.05, "major", ("joyful", "uplifting", "euphoric", "feelgood")),
    Mood("sad", -0.15, -0.1, "minor", ("melancholic", "melancholy", "sorrowful", "mournful")),
    Mood("dreamy", -0.15, -0.1, "", ("ethereal", "hazy", "floating", "spacey", "atmospheric")),
    Mood(
        "calm",
        -0.3,
        -0.2,
        "",
        ("calmer", "chill", "relaxed", "mellow", "gentle", "soft", "peaceful", "quiet"),
    ),
    Mood("deep", -0.1, -0.05, "", ("deeper",)),
    Mood("minimal", -0.15, -0.3, "", ("sparse", "stripped", "stripped-back", "bare")),
    Mood("dense", 0.1, 0.3, "", ("busy", "layered", "full", "maximal", "thick")),
    Mood(
        "energetic",
        0.25,
        0.1,
        "",
        (
            "high-energy",
            "high energy",
            "driving",
            "powerful",
            "intense",
            "banging",
            "banger",
            "peak-time",
            "peak time",
        ),
    ),
    Mood("aggressive", 0.3, 0.15, "minor", ("angry", "brutal", "raw", "violent", "savage")),
    Mood("heavy", 0.2, 0.1, "minor", ("heavier", "hard", "harder", "filthy")),
    Mood("hypnotic", 0.0, -0.1, "", ("trancey", "repetitive", "rolling")),
    Mood("groovy", 0.05, 0.05, "", ("funky", "swinging", "bouncy")),
)

INSTRUMENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    # word a prompt uses -> (layer it speaks of, other spellings)
    "hand percussion": (
        "drums",
        (
            "ethnic percussion",
            "tribal percussion",
            "tribal drums",
            "congas",
            "conga",
            "bongos",
            "djembe",
            "tabla",
            "percussion",
            "hand drums",
        ),
    ),
    "drums": ("drums", ("drum", "beats", "kick", "kicks", "snare", "breaks")),
    "hats": ("drums", ("hi-hats", "hihats", "hi hats", "cymbals", "shakers")),
    "sub bass": ("bass", ("sub", "subs", "sub-bass", "808", "808s")),
    "bass": ("bass", ("bassline", "bass line", "wobble", "wobbles", "reese")),
    "pads": ("harmony", ("pad", "strings", "drones", "texture", "textures")),
    "chords": ("harmony", ("chord", "stabs", "keys", "piano", "rhodes", "organ")),
    "lead": ("lead", ("melody", "melodies", "lead synth", "arp", "arpeggio", "pluck", "plucks", "hook")),
    "vocals": ("lead", ("vocal", "voice", "vox", "choir")),
}

PACE: dict[str, float] = {"slow": -0.12, "slower": -0.12, "fast": 0.12, "faster": 0.12}

HALF_TIME = ("half-time", "half time", "halftime")
DOUBLE_TIME = ("double-time", "double time", "doubletime")
