"""One track in the making: the players write their parts onto buses, note by note."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .arrangement import Plan, bars_of
from .bass import Bassist, mid, sub
from .drums import Kit, crash, make_kit
from .dsp import fade_edges, hertz, panned, place
from .grooves import PERCUSSION_PAN
from .identity import Identity
from .melody import KEY_RHYTHMS, Soloist
from .model import SAMPLE_RATE, Audio, Clock, DemoKey, stream
from .rhythm import Drummer
from .space import impact, riser, texture
from .theory import PROGRESSIONS, Chord, chord, voicings
from .voices import REGISTERS, note, pad_sound

TAIL_SECONDS = 1.6


class Session:
    """One track in the making: its clock, its buses and its caches of rendered notes."""

    def __init__(
        self, identity: Identity, *, track_seed: int, plan: Plan, bpm: float, key: DemoKey, lead_in: float
    ) -> None:
        self.identity, self.style, self.seed, self.key = identity, identity.style, track_seed, key
        self.traits = identity.traits.drawn(stream(track_seed, "jitter"), 0.10)
        self.clock = Clock(bpm, lead_in)
        self.plan = plan
        self.bars = bars_of(
            plan, four_on_floor=self.style.four_on_floor, has_drums=self.style.groove != "none"
        )
        self.total = self.clock.at(len(self.bars)) + round(TAIL_SECONDS * SAMPLE_RATE)
        self.buses = {
            name: np.zeros((1 if name == "sub" else 2, self.total), dtype=np.float32)
            for name in ("drums", "perc", "sub", "bass", "pad", "keys", "lead", "fx")
        }
        self.kicks: list[tuple[int, float]] = []
        self.snares: list[float] = []
        self._cache: dict[Any, Audio] = {}
        rng = stream(track_seed, "choices")

        def pick(options: tuple[Any, ...]) -> Any:
            return options[int(rng.integers(len(options)))]

        self.lead = pick(identity.leads)
        self.bass = identity.bass[0] if rng.random() < 0.7 else identity.bass[-1]
        self.percussion = pick(identity.percussion)
        self.colour = pick(self.style.colours)
        self.key_rhythm = pick(self.style.key_rhythms)
        self.motif = pick(self.style.motifs)
        self.figures = pick(self.style.figures)
        self.bars_per_chord = int(pick(self.style.bars_per_chord))
        pool = PROGRESSIONS[
            self.style.progressions if key.mode == "minor" and self.style.progressions else key.mode
        ]
        self.degrees = pick(pool)
        self.chords = tuple(chord(key, degree, self.colour) for degree in self.degrees)

    def chord_at(self, number: int) -> Chord:
        return self.chords[self._place(number)]

    def _place(self, number: int) -> int:
        return (number // self.bars_per_chord) % len(self.chords)

    def cached(self, name: Any, build: Callable[..., Audio], *args: Any, **more: Any) -> Audio:
        """A sound made once and then reused for every note that asks for the same."""
        if name not in self._cache:
            self._cache[name] = build(*args, **more)
        return self._cache[name]

    # --- parts -------------------------------------------------------------------------------------------------

    def play_drums(self) -> None:
        kit: Kit = make_kit(self.identity.seed, self.traits, room=self.style.drum_room)
        drummer = Drummer(
            self.seed, groove=self.style.groove, percussion=self.percussion, swing=self.identity.swing
        )
        levels = {
            "kick": self.traits.kick,
            "snare": self.traits.snare,
            "clap": self.traits.snare * 0.7 * (0.5 + self.traits.clap),
            "ghost": self.traits.snare * 0.7,
            "hat": self.traits.hats,
            "open": self.traits.hats * 0.9,
            "ride": self.traits.hats * 0.8,
            "crash": self.traits.hats * 1.1,
            "tom": 0.5,
            "rim": 0.4,
        }
        pans = {"hat": 0.18, "open": -0.12, "ride": -0.3, "crash": 0.1, **PERCUSSION_PAN}
        turn = 0
        for bar in self.bars:
            for hit in drummer.bar(bar):
                turn += 1
                at = self.clock.at(hit.bar, hit.step)
                level = levels.get(hit.name, 0.4) * hit.velocity
                take = ("shot", hit.name, turn % 3)
                shot = self.cached(take, panned, kit.pick(hit.name, turn % 3), pans.get(hit.name, 0.0))
                place(self.buses["drums" if hit.name in levels else "perc"], shot, at, level)
                if hit.name == "kick":
                    self.kicks.append((at, hit.velocity))
                elif hit.name in ("snare", "clap") and hit.velocity > 0.5:
                    self.snares.append(at / SAMPLE_RATE)

    def play_bass(self) -> None:
        bassist = Bassist(self.seed, figures=self.figures, low=self.style.bass_low)
        step = self.clock.step_seconds
        for bar in self.bars:
            for item in bassist.bar(bar, self.chord_at(bar.number), self.chord_at(bar.number + 1)):
                samples = self.clock.span(item.steps) - round(0.004 * SAMPLE_RATE)
                at = self.clock.at(item.bar, item.step)
                deep = self.cached(("sub", item.pitch, samples), sub, item.pitch, samples, self.traits)
                place(self.buses["sub"], deep[None], at, item.velocity)
                if item.sub_only:
                    continue
                # growling basses live an octave above their sub
                pitch = item.pitch + (
                    12 if item.pitch < 36 and self.bass in ("wobble", "growl", "reese", "acid") else 0
                )
                name = ("bass", pitch, samples, item.shape)
                tone = self.cached(
                    name, mid, self.bass, pitch, samples, self.traits, item.shape, step, self.seed
                )
                place(self.buses["bass"], tone, at, item.velocity)

    def play_pads(self) -> None:
        voiced = voicings(self.chords, centre=60, voices=4)
        length = self.clock.span(16 * self.bars_per_chord)
        for start in range(0, len(self.bars), self.bars_per_chord):
            bar = self.bars[start]
            if bar.pad <= 0.0:
                continue
            place_in = self._place(start)
            name = ("pad", voiced[place_in])
            held = self.cached(
                name, pad_sound, self.identity.pad, voiced[place_in], length, self.traits, self.seed
            )
            place(self.buses["pad"], held, self.clock.at(start), bar.pad)

    def play_keys(self) -> None:
        rhythms = KEY_RHYTHMS[self.key_rhythm]
        rhythm = rhythms[int(stream(self.seed, "key rhythm").integers(len(rhythms)))]
        power = self.identity.keys == "guitar"
        voiced = voicings(self.chords, centre=52 if power else 62, voices=4)
        rng = stream(self.seed, "key strokes")
        for bar in self.bars:
            if bar.keys <= 0.0:
                continue
            pitches = voiced[self._place(bar.number)]
            for step, steps in rhythm[bar.index_in_section % len(rhythm)]:
                if bar.gap and step >= 12:
                    continue
                late = self.identity.swing if step % 2 == 1 else 0.0
                samples = min(self.clock.span(steps), self.clock.span(16 - step - late)) - 64
                sound = self.cached(("keys", pitches, samples), self._struck, pitches, samples)
                level = bar.keys * float(rng.uniform(0.85, 1.0))
                place(self.buses["keys"], sound, self.clock.at(bar.number, step + late), level)

    def _struck(self, pitches: tuple[int, ...], samples: int) -> Audio:
        """A chord with its lower notes to the left and its upper ones to the right."""
        out = np.zeros((2, samples), dtype=np.float32)
        for index, pitch in enumerate(pitches):
            side = 0.35 * (2.0 * index / max(1, len(pitches) - 1) - 1.0)
            name = ("key", pitch, samples)
            tone = self.cached(name, note, self.identity.keys, pitch, samples, self.traits, self.seed)
            out += tone * np.array([[1.0 - side], [1.0 + side]], dtype=np.float32)
        return out

    def play_lead(self) -> None:
        soloist = Soloist(
            self.seed,
            key=self.key,
            rhythm=self.motif,
            centre=REGISTERS.get(self.lead, 69),
            swing=self.identity.swing,
        )
        for bar in self.bars:
            if bar.lead <= 0.0 or (bar.section == "build" and bar.progress < 0.5):
                continue
            soft = bar.section in ("break", "outro", "build")
            for item in soloist.bar(bar.number, bar.index_in_section, self.chord_at(bar.number), bar.gap):
                samples = min(self.clock.span(item.steps), self.clock.span(16 - item.step)) - 64
                if samples < 1500:
                    continue
                name = ("lead", item.pitch, samples, soft)
                sound = self.cached(
                    name, note, self.lead, item.pitch, samples, self.traits, self.seed, soft=soft
                )
                place(self.buses["lead"], sound, self.clock.at(item.bar, item.step), bar.lead * item.velocity)

    def play_arp(self) -> None:
        """Broken chords that lift the last build and the second drop."""
        if not self.identity.arp:
            return
        voiced = voicings(self.chords, centre=71, voices=3)
        order = stream(self.seed, "arp").permutation([0, 1, 2, 1, 2, 0, 1, 2])
        every = 2 if self.clock.bpm > 105 else 1
        samples = self.clock.span(every) - 64
        for bar in self.bars:
            if bar.arp <= 0.0:
                continue
            pitches = voiced[self._place(bar.number)]
            for turn, step in enumerate(range(0, 12 if bar.gap else 16, every)):
                pitch = pitches[int(order[turn % 8]) % len(pitches)]
                name = ("arp", pitch, samples)
                sound = self.cached(
                    name, note, self.identity.arp, pitch, samples, self.traits, self.seed, soft=True
                )
                late = self.identity.swing if step % 2 == 1 else 0.0
                level = bar.arp * (1.0 if turn % 4 == 0 else 0.7)
                place(self.buses["lead"], sound, self.clock.at(bar.number, step + late), level)

    def play_effects(self) -> None:
        fx = self.buses["fx"]
        for bar in self.bars:
            if self.style.rises and bar.section == "build" and bar.index_in_section == 0:
                length = self.clock.span(16 * bar.bars_in_section - 4)
                rise = self.cached(("riser", length), riser, self.seed, length)
                place(fx, rise, self.clock.at(bar.number), self.traits.fx)
            if bar.index_in_section == 0 and bar.section in ("drop", "break") and self.style.rises:
                boom = self.cached("impact", impact, self.seed, hertz(36 + self.key.tonic))
                place(
                    fx,
                    boom,
                    self.clock.at(bar.number),
                    self.traits.fx * (1.2 if bar.section == "drop" else 0.8),
                )
        for before, bar in pairwise(self.bars):
            if (
                self.style.rises
                and bar.section != before.section
                and bar.section in ("break", "drop", "outro")
            ):
                swell = self.cached("swell", self._swell)
                place(fx, swell, self.clock.at(bar.number) - swell.shape[1], 0.7 * self.traits.fx)
        if self.identity.texture:
            bed = texture(self.seed, self.identity.texture, self.clock.at(len(self.bars)) - self.clock.at(0))
            quiet = 0.05 if self.style.groove != "none" else 0.12
            place(fx, bed, self.clock.at(0), quiet)

    def _swell(self) -> Audio:
        """A cymbal backwards, half a bar long, that sucks the ear into the next section."""
        backwards = panned(crash(stream(self.seed, "swell"), self.traits)[::-1], 0.0)
        return fade_edges(backwards[:, -self.clock.span(8) :].copy(), 0.1, 0.004)
