"""The table of styles: tempo, groove, instruments and mix from which artists are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from .traits import Traits


@dataclass(frozen=True)
class Style:
    """What an artist of this style may choose from. An artist settles on one or two of each tuple."""

    slug: str
    label: str
    genres: tuple[str, ...]
    bpm: tuple[float, float]
    felt: str = "straight"
    minor: float = 0.8
    groove: str = "four"
    percussion: tuple[str, ...] = ("shaker",)
    bass: tuple[str, ...] = ("pluck",)
    figures: tuple[str, ...] = ("offbeat",)
    bass_low: int = 28
    pads: tuple[str, ...] = ("warm",)
    keys: tuple[str, ...] = ("stab",)
    key_rhythms: tuple[str, ...] = ("house",)
    colours: tuple[str, ...] = ("triad",)
    leads: tuple[str, ...] = ("pluck",)
    motifs: tuple[str, ...] = ("flowing",)
    arps: tuple[str, ...] = ("",)
    bars_per_chord: tuple[int, ...] = (1,)
    progressions: str = ""
    swing: float = 0.0
    drum_room: float = 0.0
    textures: tuple[str, ...] = ("",)
    rises: bool = True
    lufs: float = -11.5
    traits: Traits = field(default_factory=Traits)

    @property
    def four_on_floor(self) -> bool:
        return self.groove in ("four", "techno", "disco")


# fmt: off
STYLES: dict[str, Style] = {style.slug: style for style in (
    Style("dubstep", "Dubstep", ("Dubstep", "UK Bass"), (137.0, 143.0), felt="half-time", minor=1.0,
          groove="halftime",
          percussion=("hand", "tabla", "bells", "conga"), bass=("wobble", "growl"), figures=("wobble",),
          bass_low=29,
          pads=("choir", "hollow", "air"), keys=("stab", "skank"), key_rhythms=("sparse",),
          colours=("triad", "add"),
          arps=("kalimba", "bell"), leads=("reed", "kalimba", "flute", "bell"), motifs=("calls", "sparse"),
          bars_per_chord=(2,), progressions="dark",
          drum_room=0.5, textures=("rain", "wind", ""), lufs=-10.8,
          traits=Traits(kick_hz=46, kick_decay=0.24, snare_hz=205, snare_decay=0.22, snare_bright=8000,
                        clap=0.7, sub=0.58, bass=0.78, pad=0.24, keys=0.3, lead=0.34, perc=0.4,
                        room_seconds=2.2, room=0.26, delay=0.3, bass_cutoff=520, hats=0.2, duck=0.5)),
    Style("house", "House", ("House", "Deep House"), (119.0, 126.0), minor=0.7, groove="four",
          percussion=("shaker", "conga", "tambourine"), bass=("pluck", "organ"), figures=("offbeat",),
          bass_low=31,
          pads=("warm", "strings"), keys=("stab", "rhodes", "organ"), key_rhythms=("house", "offbeat"),
          colours=("seventh", "ninth"), arps=("pluck", "bell"), leads=("pluck", "bell"),
          motifs=("plucky", "flowing"), swing=0.16, lufs=-11.5,
          traits=Traits(kick_hz=54, kick_decay=0.165, kick_drive=2.0, clap=0.9, hats=0.4, sub=0.42, bass=0.48,
          pad=0.27,
                        keys=0.56, lead=0.36, duck=0.62, duck_seconds=0.15, room_seconds=1.3, room=0.2,
                        bass_cutoff=620, perc=0.3)),
    Style("drum-and-bass", "Drum and Bass", ("Drum and Bass", "Liquid"), (170.0, 176.0), minor=0.9, groove="twostep",
          percussion=("shaker", "rims", "conga"), bass=("reese",), figures=("rolling", "steppers"), bass_low=29,
          pads=("strings", "air", "warm"), keys=("rhodes", "piano"), key_rhythms=("sparse", "stabs"),
          colours=("seventh", "add"),
          arps=("pluck", "bell"), leads=("bell", "flute", "saw"), motifs=("flowing", "sparse"),
          bars_per_chord=(2,), lufs=-10.8,
          traits=Traits(kick_hz=54, kick_decay=0.13, kick_click=0.45, snare_hz=215, snare_decay=0.13,
                        snare_bright=8500, sub=0.52, bass=0.46, hats=0.24, pad=0.35, keys=0.34, lead=0.28,
                        duck=0.45, duck_seconds=0.09, room_seconds=1.9, room=0.24, bass_cutoff=430,
                        bass_detune=14, perc=0.22)),
    Style("techno", "Techno", ("Techno",), (127.0, 138.0), minor=1.0, groove="techno",
          percussion=("rims", "bells", "shaker"),
          bass=("acid", "round"), figures=("sixteenths",), bass_low=31, pads=("hollow", "glass"),
          keys=("stab",),
          key_rhythms=("stabs", "sparse"), colours=("power", "triad"), arps=("square", "bell"),
          leads=("square", "bell"), motifs=("sparse", "slow"),
          bars_per_chord=(4, 2), progressions="dark", lufs=-10.5,
          traits=Traits(kick_hz=50, kick_decay=0.2, kick_drive=2.8, clap=0.3, hats=0.4, sub=0.3, bass=0.5,
                        pad=0.24, keys=0.32, lead=0.24, duck=0.6, duck_seconds=0.11, room_seconds=2.4,
                        room=0.28, bass_cutoff=420, keys_decay=0.18, perc=0.36)),
    Style("hip-hop", "Hip-Hop", ("Hip-Hop", "Boom Bap"), (82.0, 97.0), minor=0.85, groove="boombap",
          percussion=("none", "shaker"),
          bass=("finger", "round"), figures=("lazy",), bass_low=29, pads=("warm", "strings"),
          keys=("rhodes", "piano"),
          key_rhythms=("sparse", "held"), colours=("seventh", "ninth"), arps=("",), leads=("kalimba", "flute"),
          motifs=("sparse", "calls"),
          bars_per_chord=(1, 2), swing=0.3, textures=("vinyl",), rises=False, lufs=-12.0,
          traits=Traits(kick_hz=55, kick_decay=0.18, kick_drive=2.2, snare_hz=180, snare_decay=0.14,
                        snare_bright=5000, hat_hz=6000, sub=0.46, bass=0.5, pad=0.24, keys=0.66, lead=0.32,
                        duck=0.3, room_seconds=0.8, room=0.14, delay=0.12, keys_cutoff=1500, drive=1.5,
                        perc=0.2, hats=0.26)),
    Style("trap", "Trap", ("Trap",), (132.0, 156.0), felt="half-time", minor=1.0, groove="trap",
          percussion=("none", "rims"),
          bass=("eight",), figures=("slides",), bass_low=28, pads=("choir", "glass"), keys=("piano", "stab"),
          key_rhythms=("sparse", "held"), colours=("triad",), arps=("bell", "pluck"), leads=("bell", "pluck"),
          motifs=("flowing", "calls"),
          bars_per_chord=(2, 1), progressions="dark", lufs=-10.8,
          traits=Traits(kick_hz=52, kick_decay=0.14, kick_click=0.5, snare_hz=230, clap=0.9, hat_decay=0.03,
                        hats=0.3, sub=0.0, bass=0.8, pad=0.24, keys=0.42, lead=0.48, duck=0.25,
                        room_seconds=1.7, room=0.24, lead_decay=0.6, perc=0.2)),
    Style("ambient", "Ambient", ("Ambient",), (62.0, 90.0), minor=0.5, groove="none", percussion=("none",),
          bass=("round",),
          figures=("long",), bass_low=31, pads=("air", "glass", "choir", "strings"), keys=("rhodes", "piano"),
          key_rhythms=("sparse", "held"), colours=("add", "ninth"), arps=("bell", "kalimba"),
          leads=("bell", "flute", "kalimba"), motifs=("slow", "sparse"),
          bars_per_chord=(2, 1), textures=("rain", "wind"), rises=False, lufs=-15.0,
          traits=Traits(sub=0.24, bass=0.2, pad=0.9, keys=0.4, lead=0.4, duck=0.0, room_seconds=4.2, room=0.6,
                        delay=0.35, pad_cutoff=1500, drive=1.0, lead_decay=1.1)),
    Style("uk-garage", "UK Garage", ("UK Garage", "2-Step"), (129.0, 136.0), minor=0.8, groove="garage",
          percussion=("shaker", "rims", "bells"), bass=("organ", "wobble"), figures=("steppers", "offbeat"),
          bass_low=31,
          pads=("warm", "choir"), keys=("organ", "stab", "rhodes"), key_rhythms=("house", "stabs"),
          colours=("seventh", "ninth"),
          arps=("pluck", ""), leads=("pluck", "square"), motifs=("plucky", "calls"), swing=0.3, lufs=-11.2,
          traits=Traits(kick_hz=56, kick_decay=0.15, snare_hz=240, snare_decay=0.11, hats=0.4, sub=0.56,
                        bass=0.5, pad=0.21, keys=0.5, lead=0.34, duck=0.35, room_seconds=1.0, room=0.18,
                        bass_cutoff=560, perc=0.28)),
    Style("disco", "Disco", ("Disco", "Funk"), (108.0, 122.0), minor=0.15, groove="disco",
          percussion=("conga", "tambourine"),
          bass=("finger", "pluck"), figures=("octaves",), bass_low=28, pads=("strings",),
          keys=("rhodes", "piano", "stab"),
          key_rhythms=("offbeat", "house"), colours=("seventh", "ninth"), arps=("pluck",),
          leads=("saw", "flute"), motifs=("flowing", "plucky"),
          swing=0.08, rises=False, lufs=-11.8,
          traits=Traits(kick_hz=58, kick_decay=0.15, kick_click=0.4, snare_hz=200, snare_decay=0.14, clap=0.5,
                        hats=0.4, sub=0.24, bass=0.6, pad=0.35, keys=0.5, lead=0.4, perc=0.34, duck=0.2,
                        room_seconds=1.1, room=0.2)),
    Style("electro", "Electro", ("Electro",), (120.0, 132.0), minor=0.9, groove="electro",
          percussion=("bells", "rims"),
          bass=("pluck", "acid"), figures=("octaves", "sixteenths"), bass_low=28, pads=("hollow", "strings"),
          keys=("stab",),
          key_rhythms=("stabs", "eighths"), colours=("triad", "power"), arps=("square", "pluck"),
          leads=("square", "saw"), motifs=("plucky", "calls"),
          bars_per_chord=(2,), lufs=-11.0,
          traits=Traits(kick_hz=53, kick_decay=0.22, kick_click=0.3, snare_hz=190, snare_noise=1.0, clap=0.9,
                        hat_metal=0.9, hats=0.3, sub=0.3, bass=0.6, pad=0.24, keys=0.36, lead=0.44, duck=0.3,
                        room_seconds=1.3, room=0.2, perc=0.24)),
    Style("dub", "Dub", ("Dub", "Downtempo"), (66.0, 78.0), minor=0.8, groove="onedrop",
          percussion=("hand", "shaker", "conga"),
          bass=("round",), figures=("lazy",), bass_low=29, pads=("warm", "air"), keys=("skank",),
          key_rhythms=("skank",),
          colours=("triad", "seventh"), leads=("reed", "organ", "flute"), motifs=("sparse", "calls"),
          bars_per_chord=(1, 2),
          swing=0.2, textures=("vinyl", ""), rises=False, lufs=-12.2,
          traits=Traits(kick_hz=48, kick_decay=0.22, snare_hz=220, snare_decay=0.1, sub=0.7, bass=0.5,
                        pad=0.2, keys=0.56, lead=0.36, hats=0.24, duck=0.15, room_seconds=2.6, room=0.34,
                        delay=0.5, delay_feedback=0.5, bass_cutoff=340, perc=0.34)),
    Style("downtempo", "Downtempo", ("Downtempo", "Trip-Hop"), (84.0, 104.0), minor=0.8, groove="downbeat",
          percussion=("hand", "shaker", "tabla"), bass=("round", "finger"), figures=("lazy", "long"),
          bass_low=28,
          pads=("air", "strings", "choir"), keys=("rhodes", "piano"), key_rhythms=("sparse", "held"),
          colours=("ninth", "seventh"),
          arps=("kalimba", ""), leads=("kalimba", "flute", "bell"), motifs=("flowing", "sparse"),
          bars_per_chord=(2, 1), swing=0.18,
          textures=("vinyl", "rain"), rises=False, lufs=-12.5,
          traits=Traits(kick_hz=52, kick_decay=0.2, snare_hz=175, snare_decay=0.16, snare_bright=5500,
                        sub=0.48, bass=0.42, pad=0.43, keys=0.5, lead=0.42, duck=0.3, room_seconds=2.4,
                        room=0.32, delay=0.3, perc=0.34, hats=0.24)),
    Style("breakbeat", "Breakbeat", ("Breakbeat", "Big Beat"), (122.0, 136.0), minor=0.8, groove="breaks",
          percussion=("conga", "tambourine", "bells"), bass=("acid", "reese"), figures=("octaves", "rolling"),
          bass_low=28,
          pads=("strings", "hollow"), keys=("stab", "organ"), key_rhythms=("stabs", "house"),
          colours=("triad", "seventh"),
          arps=("square", ""), leads=("saw", "square"), motifs=("calls", "plucky"), bars_per_chord=(1, 2),
          swing=0.06, lufs=-10.8,
          traits=Traits(kick_hz=57, kick_decay=0.15, kick_drive=2.4, snare_hz=210, snare_noise=0.8, hats=0.32,
                        sub=0.32, bass=0.6, pad=0.24, keys=0.42, lead=0.4, duck=0.3, room_seconds=0.9,
                        room=0.18, drive=1.6, perc=0.3)),
    Style("rock", "Rock", ("Rock", "Indie Rock"), (104.0, 152.0), minor=0.45, groove="rock",
          percussion=("tambourine", "none"),
          bass=("finger",), figures=("eighths",), bass_low=28, pads=("warm",), keys=("guitar",),
          key_rhythms=("eighths", "held"),
          colours=("power",), leads=("saw", "organ"), motifs=("calls", "flowing"), bars_per_chord=(1, 2),
          rises=False, lufs=-11.0,
          traits=Traits(kick_hz=60, kick_decay=0.14, kick_click=0.6, snare_hz=195, snare_decay=0.2,
                        snare_noise=0.8, hat_hz=5500, hat_decay=0.09, sub=0.15, bass=0.6, pad=0.15, keys=0.72,
                        lead=0.42, hats=0.3, duck=0.0, room_seconds=1.0, room=0.22, delay=0.1, drive=1.5,
                        keys_cutoff=2400, perc=0.2)),
    Style("acoustic", "Acoustic", ("Modern Classical", "Piano"), (68.0, 104.0), minor=0.5, groove="none",
          percussion=("none",), bass=("finger",), figures=("long",), bass_low=31, pads=("strings",),
          keys=("piano",),
          key_rhythms=("eighths", "held"), colours=("triad", "add"), leads=("piano", "flute"),
          motifs=("flowing", "slow"),
          bars_per_chord=(1, 2), rises=False, lufs=-15.5,
          traits=Traits(sub=0.0, bass=0.2, pad=0.31, keys=0.8, lead=0.66, duck=0.0, room_seconds=2.6, room=0.4,
                        delay=0.05, drive=1.0, keys_cutoff=2400)),
)}
# fmt: on
