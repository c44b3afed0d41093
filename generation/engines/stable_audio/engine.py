"""Stable Audio as an engine: a brief becomes words, noise becomes stretches of sound, these become a mastered take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog.repeatable import one_thread
from generation.brief import Brief
from generation.engines.base import Availability, Material, OnProgress, Rendering
from generation.engines.neural import devices, ending, finishing, pace, places
from generation.engines.neural.catalogue import DIFFUSION, MODELS, STABILITY_COMMUNITY, generator_of, of_kind
from generation.engines.neural.exact import SAMPLE_RATE
from generation.engines.neural.options import Option, decided
from generation.engines.neural.preparing import check_model, check_text, prepared_again
from generation.engines.neural.references import excerpt
from generation.engines.neural.words import described
from generation.engines.progress import Progress
from generation.engines.stable_audio.pipeline import load
from generation.engines.stable_audio.stretches import Session

NEGATIVE = "low quality, distorted, noise, vocals"
STEPS = 100
# Of the published size: 4.9 TFLOP for a step of one stretch, with and without the words.
SECONDS_A_STEP = {False: 20.0, True: 0.08}

OPTIONS = (
    Option("negative_prompt", "Not like", "text", NEGATIVE, "What it shall not sound like."),
    Option(
        "reference_strength",
        "Distance from the reference",
        "number",
        0.55,
        "The take begins from the sound of your reference under noise: 0 keeps nearly all of it, 1 nothing.",
        0,
        1,
    ),
    Option(
        "candidates",
        "Tries",
        "whole",
        1,
        "Drawn one after the other; the nearest to your catalog is kept.",
        1,
        8,
    ),
    Option("steps", "Steps", "whole", STEPS, "More are finer and slower. 100 is usual.", 4, 250),
    Option("cfg", "Guidance", "number", 7.0, "How closely the words are followed. 7 is usual.", 1, 20),
)


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
    options = OPTIONS

    def models(self) -> list[str]:
        return [model.name for model in of_kind(DIFFUSION)]

    def availability(self) -> Availability:
        found = places.availability_of(self.models())
        if not found.ready:
            return found
        return places.accepted(places.ready(self.models()))

    def capabilities(self) -> frozenset[str]:
        return frozenset({"bpm", "key", "energy", "references", "stems", "midi", "seed"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        """Seconds for all takes, before this machine has made any."""
        model = MODELS[brief.model or self.models()[0]]
        stretches = (
            math.ceil(brief.duration_seconds / model.seconds) + int(brief.options.get("candidates", 1)) - 1
        )
        step = SECONDS_A_STEP[pace.has_gpu()]
        return brief.takes * (20.0 + stretches * (10.0 + step * int(brief.options.get("steps", STEPS))))

    def prepared(self, brief: Brief, dna: Mapping[str, Any]) -> Brief:
        """The brief with model, text and settings decided. Raises BadWishes."""
        check_text(brief.text)
        known = self.models()
        check_model(self.label, brief.model, known)
        name = brief.model or next(iter(places.ready(known)), known[0])
        return replace(
            brief,
            model=name,
            text=brief.text or described(brief, dna, []),
            options=decided(self.options, brief.options),
            evidence=brief.evidence | {"text": "asked" if brief.text else "rules"},
        )

    @one_thread
    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One take. The same brief, model and machine give the same samples on the processor.

        Raises EngineError when weights are missing or damaged, and when there is not enough memory.
        """
        progress = Progress(on_progress)
        brief = prepared_again(self, brief)
        progress.to(0.0, "Loading the model")
        loaded = load(str(brief.model), tick=progress.tick)
        progress.to(0.03, "Listening to the references")
        begin = excerpt(brief, material.corpus, seconds=loaded.seconds, melodic=False, tick=progress.tick)
        session = Session(loaded, brief, progress, begin.sound if begin else None)
        pieces, candidates, choice = session.first(material)
        pieces += [session.another(number, pieces[0]) for number in range(1, len(session.bars))]
        done = ending.ended(finishing.joined(pieces, session.bars, brief), brief, progress, 0.84)
        sources = list(begin.sources) if begin else []
        return Rendering(
            audio=done.audio,
            sample_rate=SAMPLE_RATE,
            stems=done.stems,
            plan={
                "engine": f"{self.slug}/{self.version}",
                "model": loaded.model.name,
                "text": brief.text,
                "options": dict(brief.options),
                "seed": str(brief.seed),
                "bpm": brief.bpm,
                "windows": [
                    {"bars": bars, **piece.by.to_json()}
                    for piece, bars in zip(pieces, session.bars, strict=True)
                ],
                "references_as": "beginning" if sources else "off",
                "conditioned_on": sources,
                "candidates": candidates,
                "choice": choice,
                **done.told,
                "environment": devices.environment(loaded.device),
            },
            sections=session.sections(),
            notes=session.notes(pieces),
            generator=generator_of(loaded.model, loaded.sha256)
            | {"conditioned_on": [one["track_id"] for one in sources]},
        )
