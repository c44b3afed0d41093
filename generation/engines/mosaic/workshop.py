"""Cutting and bending: from a block of a plan to sound of exactly the right length, each cut made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from catalog.audio.errors import AudioError
from generation.engines.base import EngineError
from generation.engines.mosaic.corpus import BLOCK_BARS
from generation.engines.mosaic.kicks import TOP_HZ, Kicks, find_kicks, lifted
from generation.engines.mosaic.kit import STEPS, Kit, Phrase, read_kit
from generation.engines.mosaic.plan import SAMPLE_RATE, Block, Voice
from generation.engines.mosaic.separate import low_passed, separate, split_bass
from generation.engines.mosaic.slices import resliced, slices
from generation.engines.mosaic.stretch import BYPASS, stretched

CONTEXT = 0.2  # seconds kept on each side of a cut: for fades, for alignment, and for the stretcher to settle
RUMBLE_HZ = 24.0
HALVES = 8  # separated phrases kept: each is cut soon after, and then only its share is asked for
WINDOW = 256
STEP = 32
LOOK = 0.035  # seconds an attack may lie off its beat
FINE_LOOK = 0.008  # … and off the offset of its own track


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
    """A phrase in its source, separated: (2, n) each, from `first` (a sample of its track) on, which is its context.

    offset: samples by which its attacks lie after its beats.
    """

    percussive: np.ndarray
    harmonic: np.ndarray
    kicks: Kicks | None
    first: int
    offset: int


class Workshop:
    """Sound of the sources, cut, separated, stretched and aligned on demand; shared by the candidates of a take."""

    def __init__(
        self,
        loaders: Mapping[str, Callable[[], np.ndarray]],
        titles: Mapping[str, str],
        tick: Callable[[], None],
    ) -> None:
        self._loaders, self._titles, self._tick = loaders, titles, tick
        self._tracks: dict[str, np.ndarray] = {}
        self._halves: dict[tuple[str, float, float], Half] = {}
        self._shares: dict[tuple[str, float, float], float] = {}
        self._cuts: dict[tuple[object, ...], Cut] = {}
        self._kicks: dict[str, Kicks | None] = {}
        self._kits: dict[tuple[object, ...], Kit | None] = {}
        self._track_offsets: dict[str, int] = {}

    def __contains__(self, track_id: str) -> bool:
        return track_id in self._loaders

    def track(self, track_id: str) -> np.ndarray:
        """(2, samples) of a source at 44.1 kHz. Raises EngineError when it cannot be read any more."""
        if track_id not in self._tracks:
            self._tick()
            title = self._titles.get(track_id, track_id)
            try:
                samples = np.asarray(self._loaders[track_id](), dtype=np.float32)
            except (AudioError, OSError) as problem:
                raise EngineError(
                    f"“{title}” can no longer be read. Upload it again or remove it, and try again."
                ) from problem
            if samples.ndim != 2 or samples.shape[0] != 2 or samples.shape[1] == 0:
                raise EngineError(f"“{title}” holds no sound that can be used. Remove it and try again.")
            if not np.isfinite(samples).all():
                samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
            self._tracks[track_id] = samples
            self._tick()
        return self._tracks[track_id]

    def cut(self, block: Block, layer: str | None = None) -> Cut:
        """The sound of a block's phrase for its layer (drums, bass, harmony or lead), whole and in plain order.

        A block of drums has two layers, "kick" and "drums" (the rest): both together are what was played.
        """
        place = (block.track_id, block.start, block.end)
        bend = (block.stretch, block.shift)
        key = (*place, layer or block.layer, *bend)
        if key not in self._cuts:
            half = self._half(block.track_id, block.start, block.end, block.source_beats)
            self.percussive_share(block)  # while both halves are at hand
            lead = round((CONTEXT + half.offset / SAMPLE_RATE) * SAMPLE_RATE / block.stretch)
            if block.layer == "drums":
                kick, rest = self._drums(block, half, lead)
                self._cuts[(*place, "kick", *bend)] = kick
                self._cuts[(*place, "drums", *bend)] = rest
            else:
                bass, rest_of_it = split_bass(
                    stretched(half.harmonic, factor=block.stretch, semitones=block.shift)
                )
                for name, samples in (("bass", bass), ("harmony", rest_of_it), ("lead", rest_of_it)):
                    self._cuts[(*place, name, *bend)] = Cut(samples, lead)
            self._tick()
        return self._cuts[key]

    def percussive_share(self, block: Block) -> float:
        """RMS of a phrase's percussive half over RMS of its harmonic half, in the source."""
        key = (block.track_id, block.start, block.end)
        if key not in self._shares:
            half = self._half(block.track_id, block.start, block.end, block.source_beats)
            power = max(float(np.mean(np.square(half.harmonic))), 1e-12)
            self._shares[key] = float(np.sqrt(float(np.mean(np.square(half.percussive))) / power))
        return self._shares[key]

    def kit(self, voice: Voice) -> Kit | None:
        """The drum kit of a voice's track, read from the passages it names; None where there is none."""
        key = (voice.track_id, voice.cuts)
        if key not in self._kits:
            phrases = []
            for start, end, beats in voice.cuts:
                half = self._half(voice.track_id, start, end, beats)
                first = CONTEXT + half.offset / SAMPLE_RATE
                # a phrase fills four bars of the take, whatever it is in its own track
                step = (end - start) / (BLOCK_BARS * STEPS)
                phrases.append(Phrase(half.percussive, first, step, start - CONTEXT))
            self._kits[key] = read_kit(phrases)
            self._tick()
        return self._kits[key]

    def _drums(self, block: Block, half: Half, lead: int) -> tuple[Cut, Cut]:
        """The kick of a phrase and its other drums, at the tempo of the take."""
        kick = lifted(half.percussive, half.kicks, half.first)
        at, gain = half.kicks.struck(half.first, kick.shape[1]) if half.kicks is not None else NO_STROKES
        if not block.source_beats or abs(block.stretch - 1.0) < BYPASS:
            whole, kick = (stretched(x, factor=block.stretch, semitones=0) for x in (half.percussive, kick))
            at = np.round(at / block.stretch).astype(np.int64)
        else:
            sixteenth = (block.end - block.start) / block.source_beats / 4.0
            first = CONTEXT + half.offset / SAMPLE_RATE
            # the kick is cut where all drums are, so that nothing is heard twice or not at all
            cut = slices(half.percussive, factor=block.stretch, first=first, step=sixteenth)
            whole, kick = resliced(half.percussive, cut), resliced(kick, cut)
            at, which = cut.moved(at)
            gain = gain[which]
        return Cut(kick, lead, (at, gain)), Cut(whole - kick, lead)

    def _half(self, track_id: str, start: float, end: float, beats: int) -> Half:
        key = (track_id, start, end)
        if key not in self._halves:
            track = self.track(track_id)
            first = round((start - CONTEXT) * SAMPLE_RATE)
            last = round((end + CONTEXT) * SAMPLE_RATE)
            piece = track[:, max(0, first) : max(0, min(track.shape[1], last))]
            # context beyond the file is silence, so that positions stay true
            piece = np.pad(piece, ((0, 0), (max(0, -first), max(0, last - max(first, track.shape[1])))))
            piece = _without_rumble(piece[:, : last - first])
            percussive, harmonic = separate(piece)
            kicks = self._kicks_of(track_id, track)
            if kicks is not None:
                # the low band of the percussive half is little more than hints of the kick: the kick takes its place
                percussive += kicks.between(first, last - first) - low_passed(percussive, TOP_HZ, 1025)
                harmonic = piece - percussive
            offset = 0
            if beats:
                beat = (end - start) / beats
                near = self._track_offset(track_id, track, start, beat)
                offset = alignment(percussive, CONTEXT + beat * np.arange(beats), look=FINE_LOOK, around=near)
            self._halves[key] = Half(percussive, harmonic, kicks, first, offset)
            while len(self._halves) > HALVES:
                self._halves.pop(next(iter(self._halves)))
            self._tick()
        return self._halves[key]

    def _kicks_of(self, track_id: str, track: np.ndarray) -> Kicks | None:
        if track_id not in self._kicks:
            self._kicks[track_id] = find_kicks(track)
            self._tick()
        return self._kicks[track_id]

    def _track_offset(self, track_id: str, track: np.ndarray, start: float, beat: float) -> int:
        """Samples by which a whole track's attacks lie after its measured beats."""
        if track_id not in self._track_offsets:
            seconds = track.shape[1] / SAMPLE_RATE
            beats = np.arange(start % beat, seconds - beat, beat)
            self._track_offsets[track_id] = alignment(track, beats, look=LOOK, around=0)
        return self._track_offsets[track_id]


def _without_rumble(samples: np.ndarray) -> np.ndarray:
    """(2, n) float32 without what lies below 24 Hz: it is not heard, but equalising and limiting would act on it.

    Without phase shift, so that the kicks found in the track still fit; done at 689 Hz, where a short filter is steep.
    """
    from scipy.signal import firwin, oaconvolve, resample_poly

    low = resample_poly(samples, 1, 64, axis=1)
    kernel = firwin(201, RUMBLE_HZ, fs=SAMPLE_RATE / 64).astype(np.float32)
    low = oaconvolve(low, kernel[None, :], mode="same", axes=1).astype(np.float32)
    return np.ascontiguousarray(
        samples - resample_poly(low, 64, 1, axis=1)[:, : samples.shape[1]], dtype=np.float32
    )


def alignment(samples: np.ndarray, beats: np.ndarray, *, look: float, around: int) -> int:
    """Samples to add to `beats` (seconds) so that they fall on the attacks of (2, n); within `look` s of `around`.

    Attack strength is the mean level of the 6 ms after a moment minus that of the 6 ms before: highest on the attack
    itself. Nothing to align to (or nothing louder than elsewhere) gives `around`.
    """
    level = np.abs(samples).sum(axis=0, dtype=np.float32)
    running = np.concatenate(([0.0], np.cumsum(level, dtype=np.float64)))
    reach = int(look * SAMPLE_RATE) // STEP
    shifts = around + STEP * np.arange(-reach, reach + 1)
    at = np.round(beats * SAMPLE_RATE).astype(int)[:, None] + shifts[None, :]
    inside = (at[:, 0] >= WINDOW) & (at[:, -1] < level.size - WINDOW)
    at = at[inside]
    if not len(at):
        return around
    rise = np.maximum(0.0, running[at + WINDOW] - 2.0 * running[at] + running[at - WINDOW])
    strength = rise.sum(axis=0)
    if strength.max() <= 1e-6 or strength.max() < 1.15 * strength.mean():
        return around
    return int(shifts[int(np.argmax(strength))])
