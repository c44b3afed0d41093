"""The stretches of one take: the first chosen among tries, and further ones begun from its sound."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.brief import Brief
from generation.engines.base import EngineError, Material
from generation.engines.neural import finishing
from generation.engines.neural.exact import MOST_STRETCH, SAMPLE_RATE
from generation.engines.neural.finishing import BEATS, Piece
from generation.engines.neural.references import COPIED_SECONDS
from generation.engines.progress import Progress
from generation.engines.stable_audio.pipeline import Init, Loaded, Steps, draw

SPARE_BEATS = 2.0  # made beyond the bars of a stretch, to begin on a downbeat and to fade under the next
ANEW = 0.7  # how far further stretches go from the first one's sound
FROM, TO = 0.04, 0.82  # of the progress of a take


@dataclass(frozen=True, eq=False)
class Try:
    """A first stretch. match: calibrated, 0 without a judge. copied: seconds in a row of it that are a recording."""

    number: int
    seed: int
    piece: Piece
    match: float
    copied: float

    @property
    def is_new(self) -> bool:
        return self.copied < COPIED_SECONDS

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """Higher is better: new, in the asked tempo (the rest is built on it), near to the catalog; the earliest."""
        return self.is_new, self.piece.by.possible, round(self.match, 4), -self.number

    def told(self, best: Try) -> dict[str, Any]:
        """As the plan keeps it for the page."""
        if not self.is_new:
            reason = f"{self.copied:.0f} seconds in a row are a recording of yours."
        elif not self.piece.by.possible:
            reason = self.piece.by.why
        else:
            reason = f"{self.match:.0%} match with your catalog."
        return {
            "style": f"try {self.number + 1}",
            "match": round(self.match, 4),
            "costs": {},
            "chosen": self is best,
            "reason": reason,
            "seed": str(self.seed),
            "measured": self.piece.by.to_json(),
            "copied_seconds": round(self.copied, 2),
        }


class Session:
    """A model makes at most `loaded.seconds` at once; longer takes are several stretches of whole bars.

    begin: (2, n) float32 at 44.1 kHz that the first one begins from, or None.
    """

    def __init__(self, loaded: Loaded, brief: Brief, progress: Progress, begin: np.ndarray | None) -> None:
        self.loaded, self.brief, self.progress = loaded, brief, progress
        options = brief.options
        self.steps = Steps(int(options["steps"]), float(options["cfg"]), str(options["negative_prompt"]))
        strength = float(options["reference_strength"])
        self.begin = None if begin is None else Init(self._round(begin), strength)
        self.bar = BEATS * 60.0 / brief.bpm
        # What has to be made faster comes out shorter, and what lies before its first downbeat is left out.
        room = loaded.seconds / (1.0 + MOST_STRETCH) - self.bar - SPARE_BEATS * 60.0 / brief.bpm
        total = finishing.whole_bars(brief.duration_seconds, brief.bpm)
        windows = math.ceil(total / max(1, int(room / self.bar)))
        self.bars = [total // windows + (1 if n < total % windows else 0) for n in range(windows)]
        self.work = int(options["candidates"]) + windows - 1  # stretches to draw
        self.drawn = 0

    def first(self, material: Material) -> tuple[list[Piece], list[dict[str, Any]], str]:
        """([the best of several tries], what is told of all of them, why it is the best). Raises EngineError."""
        tries = []
        for number in range(int(self.brief.options["candidates"])):
            seed = self._seed("try", number) if number else self.brief.seed
            piece = self._draw(seed, self.begin)
            match = material.judge(np.asarray(piece.found.vector), ()) if material.judge else 0.0
            copied = 0.0
            if material.copied is not None and self.begin is not None:
                copied = material.copied(piece.audio, SAMPLE_RATE)
            tries.append(Try(number, seed, piece, match, copied))
        best = max(tries, key=lambda one: one.rank)
        if not best.is_new:
            raise EngineError(
                "What came out is still the recording it began from. Go further from the reference, or take none."
            )
        if len(tries) == 1:
            return [best.piece], [], ""
        choice = f"Of {len(tries)} drawn from different noise this one is nearest to your catalog."
        return [best.piece], [one.told(best) for one in tries], choice

    def another(self, number: int, first: Piece) -> Piece:
        """A further stretch, begun from the first one's sound so that it stays the same music."""
        return self._draw(self._seed("stretch", number), Init(self._round(first.audio), ANEW))

    def sections(self) -> list[dict[str, Any]]:
        if len(self.bars) == 1:
            return []
        named = [(f"part {number}", bars) for number, bars in enumerate(self.bars, 1)]
        return finishing.sections(named, self.brief.bpm)

    def notes(self, pieces: list[Piece]) -> list[str]:
        notes = list(pieces[0].notes)
        if len(pieces) > 1:
            notes.append(
                f"Stable Audio makes at most {self.loaded.seconds:.0f} seconds at once. This take is {len(pieces)} "
                "stretches, each begun from the sound of the first and joined on a bar."
            )
        return notes

    def _draw(self, seed: int, init: Init | None) -> Piece:
        def step(done: int, of: int) -> None:
            words = "Drawing sound from noise"
            if self.work > 1:
                words = f"Drawing stretch {self.drawn + 1} of {self.work} from noise"
            self.progress.to(FROM + (TO - FROM) * (self.drawn + done / max(1, of)) / self.work, words)

        wanted = (max(self.bars) + 1) * self.bar * (1.0 + MOST_STRETCH) + 2.0
        text = str(self.brief.text)
        sound = draw(self.loaded, text, min(self.loaded.seconds, wanted), seed, self.steps, step, init)
        piece = finishing.put_right(sound, self.brief)
        self.drawn += 1
        return piece

    def _seed(self, *parts: object) -> int:
        said = ":".join(map(str, (self.brief.seed, *parts))).encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") >> 1

    def _round(self, sound: np.ndarray) -> np.ndarray:
        """As long as the model's stretch: a shorter sound goes round, so that nothing begins from silence."""
        count = round(self.loaded.seconds * self.loaded.rate)
        times = -(-count // max(1, sound.shape[1]))
        return np.ascontiguousarray(np.tile(sound, (1, times))[:, :count], dtype=np.float32)
