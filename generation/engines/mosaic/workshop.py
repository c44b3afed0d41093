"""Cutting and bending: from a block of a plan to sound of exactly the right length, each cut made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from catalog.audio.errors import AudioError
from generation.engines.base import Cache, CorpusTrack, EngineError
from generation.engines.mosaic.bassgroove import Bass, read_bass
from generation.engines.mosaic.corpus import BLOCK_BARS
from generation.engines.mosaic.kicks import lifted
from generation.engines.mosaic.kit import STEPS, Kit, Phrase, read_kit
from generation.engines.mosaic.layers import Layers, Memory
from generation.engines.mosaic.passages import Passage, clearest
from generation.engines.mosaic.pitches import LowPhrase
from generation.engines.mosaic.plan import BEATS, SAMPLE_RATE, Block, Voice
from generation.engines.mosaic.ranges import inside
from generation.engines.mosaic.recent import Recent
from generation.engines.mosaic.separate import split_bass
from generation.engines.mosaic.slices import resliced, slices
from generation.engines.mosaic.stretch import BYPASS, stretched

CONTEXT = 0.2  # seconds kept on each side of a cut: for fades, for alignment, and for the stretcher to settle
LAYER_BYTES = 192 * 2**20  # of separated sound in memory
CUT_BYTES = 512 * 2**20
NO_SOUND = np.zeros((2, 0), dtype=np.float32)
BASS_FROM = 3  # passages a bass is lifted from
NO_STROKES = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


@dataclass(frozen=True, eq=False)
class Cut:
    """A phrase as it will sound. samples: (2, n), with context on both sides; its first beat is at `lead`.

    strokes: of a kick, the sample of each stroke and its gain against the track's usual stroke; empty otherwise.
    """

    samples: np.ndarray
    lead: int
    strokes: tuple[np.ndarray, np.ndarray] = NO_STROKES


@dataclass(frozen=True, eq=False)
class Half:
    """A phrase in its source, separated: `count` samples from `first` on, its context included.

    offset: samples by which its attacks lie after its beats. share: RMS of its percussive half over the harmonic one's.
    """

    layers: Layers
    first: int
    count: int
    offset: int
    share: float

    @property
    def percussive(self) -> np.ndarray:
        """(2, count) float32, an array of its own."""
        return self.layers.half("percussive", self.first, self.count)

    @property
    def harmonic(self) -> np.ndarray:
        """(2, count) float32, an array of its own."""
        return self.layers.half("harmonic", self.first, self.count)

    def bent(self, stretch: float, shift: int) -> np.ndarray:
        """(2, n) float32: the harmonic half at another tempo and pitch."""
        return self.layers.bent(self.first, self.count, factor=stretch, semitones=shift)


class Workshop:
    """Sound of the sources, cut, separated, stretched and aligned on demand; shared by the candidates of a take.

    cache: where what is worked out from a track is kept for other takes; None keeps it in memory only.
    """

    def __init__(
        self, tracks: Sequence[CorpusTrack], tick: Callable[[], None], cache: Cache | None = None
    ) -> None:
        self._tracks = {track.id: track for track in tracks}
        self._cache, self._tick = cache, tick
        self._memory: Memory = Recent(LAYER_BYTES)
        self._sounds: dict[str, np.ndarray] = {}
        self._layers: dict[str, Layers] = {}
        self._halves: dict[tuple[str, float, float], Half] = {}
        self._cuts: Recent[tuple[object, ...], Cut] = Recent(CUT_BYTES)
        self._strokes: dict[tuple[object, ...], Cut] = {}
        self._kits: dict[tuple[object, ...], Kit | None] = {}
        self._basses: dict[tuple[object, ...], Bass | None] = {}

    def __contains__(self, track_id: str) -> bool:
        return track_id in self._tracks

    def sound(self, track_id: str) -> np.ndarray:
        """(2, samples) of a source at 44.1 kHz. Raises EngineError when it cannot be read any more."""
        if track_id not in self._sounds:
            self._tick()
            track = self._tracks[track_id]
            try:
                samples = np.asarray(track.load(), dtype=np.float32)
            except (AudioError, OSError) as problem:
                raise EngineError(
                    f"“{track.title}” can no longer be read. Upload it again or remove it, and try again."
                ) from problem
            if samples.ndim != 2 or samples.shape[0] != 2 or samples.shape[1] == 0:
                raise EngineError(
                    f"“{track.title}” holds no sound that can be used. Remove it and try again."
                )
            if not np.isfinite(samples).all():
                samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
            self._sounds[track_id] = samples
            self._tick()
        return self._sounds[track_id]

    def cut(self, block: Block, layer: str | None = None) -> Cut:
        """The sound of a block's phrase for its layer (drums, bass, harmony or lead), whole and in plain order.

        A block of drums has two layers, "kick" and "drums" (the rest): both together are what was played.
        """
        place = (block.track_id, block.start, block.end)
        bend = (block.stretch, block.shift)
        wanted = layer or block.layer
        found = self._cuts.get((*place, wanted, *bend))
        if found is None:
            half = self._half_of(block)
            lead = round((CONTEXT + half.offset / SAMPLE_RATE) * SAMPLE_RATE / block.stretch)
            made: dict[str, Cut] = {}
            if block.layer == "drums":
                made["kick"], made["drums"] = self._drums(block, half, lead)
                self._strokes[(*place, block.stretch)] = replace(made["kick"], samples=NO_SOUND)
            else:
                bass, rest = split_bass(half.bent(block.stretch, block.shift))
                made["bass"], made["harmony"] = Cut(bass, lead), Cut(rest, lead)
                made["lead"] = made["harmony"]
            for name, cut in made.items():
                self._cuts.put((*place, name, *bend), cut, cut.samples.nbytes)
            found = made[wanted]
            self._tick()
        return found

    def strokes(self, block: Block) -> Cut:
        """A drums block's cut of the kick without its sound: where it begins and is struck."""
        key = (block.track_id, block.start, block.end, block.stretch)
        if key not in self._strokes:
            self.cut(block, "kick")
        return self._strokes[key]

    def percussive_share(self, block: Block) -> float:
        """RMS of a phrase's percussive half over RMS of its harmonic half, in the source."""
        return self._half_of(block).share

    def kit(self, voice: Voice) -> Kit | None:
        """The drum kit of a voice's track, read from the passages it names; None where there is none."""
        key = (voice.track_id, voice.cuts)
        if key not in self._kits:
            phrases = []
            for start, end, beats in voice.cuts:
                half = self.half(voice.track_id, start, end, beats)
                first = CONTEXT + half.offset / SAMPLE_RATE
                # a phrase fills four bars of the take, whatever it is in its own track
                step = (end - start) / (BLOCK_BARS * STEPS)
                phrases.append(Phrase(half.percussive, first, step, start - CONTEXT))
            self._kits[key] = read_kit(phrases)
            self._tick()
        return self._kits[key]

    def bass(self, voice: Voice) -> Bass | None:
        """The bass of a voice's track: lifted where it is clearest, moving as in the passages that the voice names.

        None where no low note of the track is clear.
        """
        key = (voice.track_id, voice.cuts, voice.within)
        if key not in self._basses:
            clear: list[Passage] = []
            if voice.cuts:
                beats = voice.cuts[0][2]
                measured, bars = self._tracks[voice.track_id].analysis.bars, beats // BEATS
                whole = [
                    (float(start), float(end), beats)
                    for start, end in zip(measured.start, measured.end[bars - 1 :], strict=False)
                    if inside(float(start), float(end), voice.within)
                ]
                clear = clearest(self._layers_of(voice.track_id).clear, whole, BASS_FROM, voice.cuts)
            self._basses[key] = read_bass(
                [self._low(voice.track_id, *passage) for passage in clear],
                [self._low(voice.track_id, *passage) for passage in voice.cuts],
            )
            self._tick()
        return self._basses[key]

    def _low(self, track_id: str, start: float, end: float, beats: int) -> LowPhrase:
        half = self.half(track_id, start, end, beats)
        struck = NO_STROKES[0]
        if half.layers.kicks is not None:
            struck, _ = half.layers.kicks.struck(half.first, half.count)
        return LowPhrase(
            half.harmonic,
            CONTEXT + half.offset / SAMPLE_RATE,
            (end - start) / (BLOCK_BARS * STEPS),
            start - CONTEXT,
            struck / SAMPLE_RATE,
        )

    def _drums(self, block: Block, half: Half, lead: int) -> tuple[Cut, Cut]:
        """The kick of a phrase and its other drums, at the tempo of the take."""
        whole, kicks = half.percussive, half.layers.kicks
        kick = lifted(whole, kicks, half.first)
        at, gain = kicks.struck(half.first, half.count) if kicks is not None else NO_STROKES
        if not block.source_beats or abs(block.stretch - 1.0) < BYPASS:
            whole, kick = (stretched(x, factor=block.stretch, semitones=0) for x in (whole, kick))
            at = np.round(at / block.stretch).astype(np.int64)
        else:
            sixteenth = (block.end - block.start) / block.source_beats / 4.0
            first = CONTEXT + half.offset / SAMPLE_RATE
            # the kick is cut where all drums are, so that nothing is heard twice or not at all
            cut = slices(whole, factor=block.stretch, first=first, step=sixteenth, known=at)
            whole, kick = resliced(whole, cut), resliced(kick, cut)
            at, which = cut.moved(at)
            gain = gain[which]
        return Cut(kick, lead, (at, gain)), Cut(whole - kick, lead)

    def half(self, track_id: str, start: float, end: float, beats: int) -> Half:
        """A phrase as it is in its source: from `start` to `end` seconds, `beats` beats long (0: without a pulse)."""
        key = (track_id, start, end)
        if key not in self._halves:
            layers = self._layers_of(track_id)
            first = round((start - CONTEXT) * SAMPLE_RATE)
            count = round((end + CONTEXT) * SAMPLE_RATE) - first
            at = CONTEXT + (end - start) / max(beats, 1) * np.arange(beats)
            phrase = layers.phrase(first, count, at)
            self._halves[key] = Half(layers, first, count, phrase.offset, phrase.share)
        return self._halves[key]

    def _half_of(self, block: Block) -> Half:
        return self.half(block.track_id, block.start, block.end, block.source_beats)

    def _layers_of(self, track_id: str) -> Layers:
        if track_id not in self._layers:
            sound = partial(self.sound, track_id)
            self._layers[track_id] = Layers(
                self._tracks[track_id], sound, self._cache, self._memory, self._tick
            )
        return self._layers[track_id]
