"""Stable Audio as an engine: a brief becomes words, noise becomes stretches of sound, these become a mastered take."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.repeatable import one_thread
from generation.brief import Brief
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering
from generation.engines.neural import devices, finishing, places
from generation.engines.neural.catalogue import DIFFUSION, MODELS, STABILITY_COMMUNITY, of_kind
from generation.engines.neural.finishing import BEATS, RATE, Piece
from generation.engines.stable_audio.pipeline import Init, Loaded, Steps, draw, load
from generation.engines.stable_audio.references import Excerpt, excerpt

SPARE_BEATS = 2.0  # made beyond the bars of a stretch, to begin on a downbeat and to fade under the next
STRENGTH, ANEW = 0.55, 0.7  # of a reference; of the first stretch, when further ones begin from it
NEGATIVE = "low quality, distorted, noise, vocals"
CANDIDATES = {"cpu": 1, "cuda": 3}
# (least, most) of what a request may set in its options
LIMITS: dict[str, tuple[float, float]] = {
    "steps": (4, 250),
    "guidance": (1.0, 20.0),
    "reference_strength": (0.0, 1.0),
    "candidates": (1, 8),
}


@dataclass(frozen=True)
class Settings:
    steps: Steps
    strength: float
    candidates: int

    @classmethod
    def of(cls, brief: Brief, device: devices.Device) -> Settings:
        """From the options of a brief. Raises EngineError for values that mean nothing."""
        given = brief.options
        for name, (least, most) in LIMITS.items():
            value = given.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
                raise EngineError(f"“{name}” is a number from {least:g} to {most:g}.")
        negative = given.get("negative_prompt")
        return cls(
            Steps(
                int(given.get("steps") or Steps.count),
                float(given.get("guidance") or Steps.guidance),
                NEGATIVE if negative is None else str(negative)[:500],
            ),
            float(STRENGTH if given.get("reference_strength") is None else given["reference_strength"]),
            int(given.get("candidates") or CANDIDATES["cuda" if device.is_gpu else "cpu"]),
        )

    def to_json(self) -> dict[str, Any]:
        return {**vars(self.steps), "reference_strength": self.strength, "candidates": self.candidates}


class StableAudio:
    """Music from words, and from a recording of yours as a beginning, with weights of Stability AI."""

    slug = "stable-audio"
    label = "Stable Audio Open"
    version = "1"
    licence = (
        f"Weights {STABILITY_COMMUNITY.name}: commercial use under 1 million US$ a year, once registered"
    )
    commercial_use = STABILITY_COMMUNITY.commercial_use
    queue = "gpu"
    description = (
        "Plays from words in stereo, with open weights of Stability AI: loops and textures rather than songs."
    )

    def models(self) -> list[str]:
        return [model.name for model in of_kind(DIFFUSION)]

    def availability(self) -> Availability:
        found = places.availability_of(self.models())
        if not found.ready:
            return found
        return places.accepted(places.ready(self.models()))

    def capabilities(self) -> frozenset[str]:
        return frozenset({"bpm", "key", "energy", "references", "stems", "seed"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        """Seconds for all takes, before this machine has made any: for a processor with a few cores."""
        longest = MODELS[self.models()[0]].seconds
        windows = math.ceil(brief.duration_seconds / longest)
        return brief.takes * (40.0 + windows * 20.0 * float(brief.options.get("steps") or Steps.count))

    def model_for(self, brief: Brief) -> str:
        """The asked model, or the first that is here. Raises EngineError."""
        known = self.models()
        if brief.model and brief.model not in known:
            raise EngineError(f"Stable Audio has no model “{brief.model}”. Choose: {', '.join(known)}.")
        return brief.model or next(iter(places.ready(known)), known[0])

    @one_thread
    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One take. The same brief, model and machine give the same samples on the processor.

        Raises EngineError when weights are missing or damaged, and when there is not enough memory.
        """
        name = self.model_for(brief)
        on_progress(0.0, "Loading the model")
        loaded = load(name, tick=lambda: on_progress(0.0, "Loading the model"))
        settings = Settings.of(brief, loaded.device)
        text = brief.text or finishing.asked_in_words(brief)
        session = _Session(loaded, brief, settings, text, on_progress)
        begin = excerpt(brief, material, loaded.seconds)
        pieces, candidates, choice = session.first(begin, material)
        for number in range(1, len(session.bars)):
            pieces.append(session.another(number, pieces[0]))
        on_progress(0.86, "Joining and mastering")
        audio = finishing.joined(pieces, session.bars, brief, session.seconds)
        done = finishing.mastered(audio, brief, lambda: on_progress(0.88, "Separating layers and mastering"))
        plan = {
            "engine": f"{self.slug}/{self.version}",
            "text": text,
            "settings": settings.to_json(),
            "seed": str(brief.seed),
            "windows": [
                {"bars": bars, **finishing.said(piece)}
                for piece, bars in zip(pieces, session.bars, strict=True)
            ],
            "reference": begin.said if begin else None,
            "gain_db": done.gain_db,
            "environment": devices.environment(loaded.device),
            "candidates": candidates,
            "choice": choice,
        }
        return Rendering(
            audio=done.audio,
            sample_rate=RATE,
            stems=done.stems,
            plan=plan,
            sections=session.sections(),
            notes=session.notes(pieces),
            generator=generator_of(loaded),
        )


def generator_of(loaded: Loaded) -> dict[str, Any]:
    """What a certificate says of the weights."""
    model = loaded.model
    return {
        "weights": model.name,
        "weights_label": model.label,
        "weights_sha256": loaded.sha256,
        "licence": model.licence.name,
        "licence_url": model.licence.url,
        "commercial_use": model.licence.commercial_use,
        "fine_tuned": False,
    }


class _Session:
    """The stretches of one take. A model makes at most `loaded.seconds` at once; longer takes are several of them."""

    def __init__(
        self, loaded: Loaded, brief: Brief, settings: Settings, text: str, on_progress: OnProgress
    ) -> None:
        self.loaded, self.brief, self.settings, self.text = loaded, brief, settings, text
        self.on_progress = on_progress
        self.bar = BEATS * 60.0 / brief.bpm
        spare = SPARE_BEATS * 60.0 / brief.bpm
        # A stretch that has to be made faster comes out shorter.
        self.longest = loaded.seconds / (1.0 + finishing.MOST_STRETCH) - self.bar - spare
        total = finishing.whole_bars(brief.duration_seconds, brief.bpm)
        most = max(1, int(self.longest / self.bar))
        windows = math.ceil(total / most)
        self.bars = [total // windows + (1 if n < total % windows else 0) for n in range(windows)]
        self.seconds = total * self.bar
        self.work = settings.candidates + windows - 1  # stretches to draw
        self.drawn = 0

    def first(
        self, begin: Excerpt | None, material: Material
    ) -> tuple[list[Piece], list[dict[str, Any]], str]:
        """The first stretch: of several candidates the one nearest to the catalog. (pieces, candidates, choice)"""
        init = Init(_padded(begin.sound, self.loaded), self.settings.strength) if begin else None
        made: list[tuple[float, Piece]] = []
        for number in range(self.settings.candidates):
            piece = self._draw(self._seed("candidate", number) if number else self.brief.seed, init)
            match = material.judge(piece.vector, ()) if material.judge else 0.0
            made.append((match, piece))
        # What has the asked tempo goes before what has not: the rest of the take is built on it.
        best = max(range(len(made)), key=lambda n: (made[n][1].on_grid, made[n][0], -n))
        candidates = [
            {
                "style": f"seed {number + 1}",
                "match": round(match, 4),
                "costs": {},
                "chosen": number == best,
                "reason": self._reason(number, best, made),
            }
            for number, (match, _) in enumerate(made)
        ]
        several = len(made) > 1
        choice = (
            f"Of {len(made)} drawn from different noise, this one is nearest to your catalog."
            if several
            else ""
        )
        return [made[best][1]], candidates if several else [], choice

    def another(self, number: int, first: Piece) -> Piece:
        """A further stretch, begun from the first one's sound so that it stays the same music."""
        return self._draw(self._seed("window", number), Init(_padded(first.audio, self.loaded), ANEW))

    def sections(self) -> list[dict[str, Any]]:
        found, at = [], 0
        for number, bars in enumerate(self.bars):
            times = {"start": round(at * self.bar, 4), "end": round((at + bars) * self.bar, 4)}
            found.append({"name": f"part {number + 1}", "first_bar": at, "bars": bars, **times})
            at += bars
        return found if len(found) > 1 else []

    def notes(self, pieces: list[Piece]) -> list[str]:
        notes = [note for piece in pieces[:1] for note in piece.notes]
        if len(pieces) > 1:
            notes.append(
                f"Stable Audio makes at most {self.loaded.seconds:.0f} seconds at once. This take is {len(pieces)} "
                "stretches, each begun from the sound of the first and joined on a bar."
            )
        notes.append("The layers were separated from the finished sound, so they are approximate.")
        return notes

    def _draw(self, seed: int, init: Init | None) -> Piece:
        def step(done: int, of: int) -> None:
            words = "Drawing sound from noise"
            if self.work > 1:
                words = f"Drawing stretch {self.drawn + 1} of {self.work} from noise"
            self.on_progress(0.04 + 0.8 * (self.drawn + done / max(1, of)) / self.work, words)

        seconds = min(
            self.loaded.seconds, (max(self.bars) * self.bar + self.bar) * (1.0 + finishing.MOST_STRETCH) + 2
        )
        sound = draw(self.loaded, self.text, seconds, seed, self.settings.steps, step, init)
        piece = finishing.put_right(sound, self.brief)
        self.drawn += 1
        return piece

    def _seed(self, *parts: object) -> int:
        said = ":".join(map(str, (self.brief.seed, *parts))).encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") >> 1

    def _reason(self, number: int, best: int, made: list[tuple[float, Piece]]) -> str:
        if number == best:
            return (
                "Nearest to your catalog of those in the asked tempo."
                if made[best][1].on_grid
                else "Nearest to your catalog."
            )
        if made[best][1].on_grid and not made[number][1].on_grid:
            return "Its tempo is too far from what was asked for."
        return "Further from your catalog."


def _padded(sound: np.ndarray, loaded: Loaded) -> np.ndarray:
    """As long as the model's stretch: what is missing is the beginning once more, so that no silence is drawn over."""
    count = round(loaded.seconds * loaded.rate)
    times = -(-count // max(1, sound.shape[1]))
    return np.ascontiguousarray(np.tile(sound, (1, times))[:, :count], dtype=np.float32)
