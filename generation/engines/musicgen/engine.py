"""MusicGen as an engine: a brief becomes words, words become tokens, tokens become a mastered take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from generation.brief import Brief
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering
from generation.engines.musicgen import form
from generation.engines.musicgen.takes import Maker, choice
from generation.engines.neural import (
    devices,
    ending,
    exact,
    finishing,
    places,
    references,
    sampling,
    separating,
)
from generation.engines.neural.audiocraft_models import Loaded, load
from generation.engines.neural.catalogue import CC_BY_NC, MELODY, MODELS, TEXT, generator_of, of_kind
from generation.engines.neural.options import Option, decided
from generation.engines.neural.pace import Calm, guess
from generation.engines.neural.player import Player
from generation.engines.neural.preparing import check_model, check_text, prepared_again
from generation.engines.neural.words import described
from generation.engines.progress import Progress
from generation.prompting import BadWishes
from generation.training import adapter

SAMPLE_RATE = exact.SAMPLE_RATE
LONGEST_SECONDS = 180.0
PROMPT_SECONDS = 8.0  # of the artist's own bars that a take goes on from
PREFIX = "musicgen-"
# Offered first when none is asked for: what a processor manages, then what sounds better.
PREFERRED = ("musicgen-small", "musicgen-stereo-small")
QUIETEST = 1e-4
AS_MELODY, AS_BEGINNING, UNUSED = "melody", "continue", "off"  # what references are used as
ROUNDS = 3  # of tries, while none can be brought to the asked tempo and key

OPTIONS = (
    Option(
        "candidates", "Tries", "whole", 2, "Made in one go; the one nearest to your catalog is kept.", 1, 8
    ),
    Option(
        "references_as",
        "References",
        "choice",
        "auto",
        "melody: their notes are followed (melody models). continue: the music goes on from them. off: tempo and key "
        "only. auto: a melody where the model takes one.",
        choices=("auto", AS_MELODY, AS_BEGINNING, UNUSED),
    ),
    *sampling.OPTIONS,
)


class MusicGen:
    """Music from words, and from your own melodies, with weights that Meta trained."""

    slug = "musicgen"
    label = "MusicGen"
    version = "1"
    licence = f"Weights {CC_BY_NC.name}"
    commercial_use = CC_BY_NC.commercial_use
    description = "Plays from words and your own melodies, with weights that Meta trained on licensed music."
    queue = "gpu"
    options = OPTIONS

    def models(self) -> list[str]:
        """Names of the models it can use, the one to begin with first."""
        names = [model.name for model in of_kind(TEXT, MELODY)]
        return [*PREFERRED, *(name for name in names if name not in PREFERRED)]

    def availability(self) -> Availability:
        return places.availability_of(self.models())

    def capabilities(self) -> frozenset[str]:
        return frozenset(
            {"bpm", "key", "energy", "references", "stems", "midi", "continue", "seed", "adapter"}
        )

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        """Seconds for all takes, before this machine has made any: from the model's size and the device."""
        model = MODELS[brief.model or self.models()[0]]
        tries = int(brief.options.get("candidates", 2))
        return brief.takes * (guess(model, brief.duration_seconds, tries) + 5.0 * tries)

    def prepared(self, brief: Brief, dna: Mapping[str, Any]) -> Brief:
        """The brief with model, text and settings decided, so that they can be read and edited before it is made.

        Raises BadWishes.
        """
        if brief.duration_seconds > LONGEST_SECONDS:
            raise BadWishes({"duration_seconds": f"MusicGen plays up to {LONGEST_SECONDS:.0f} seconds."})
        check_text(brief.text)
        options = decided(self.options, brief.options)
        name = self._model_of(brief)
        if options["references_as"] == AS_MELODY and MODELS[name].kind != MELODY:
            raise BadWishes({"model": f"{MODELS[name].label} follows no melody. Choose a melody model."})
        names = [one.name for one in self._form(brief, MODELS[name].seconds)]
        text = brief.text or described(brief, dna, names)
        evidence = brief.evidence | {"text": "asked" if brief.text else "rules"}
        return replace(brief, model=name, text=text, options=options, evidence=evidence)

    def _model_of(self, brief: Brief) -> str:
        known = self.models()
        if brief.model:
            name = brief.model if brief.model.startswith(PREFIX) else PREFIX + brief.model
            if name not in known:
                check_model(self.label, brief.model, [one.removeprefix(PREFIX) for one in known])
            return name
        ready = places.ready(known) or known
        how = brief.options.get("references_as", "auto")
        if brief.references and how in ("auto", AS_MELODY):
            return next((name for name in ready if MODELS[name].kind == MELODY), ready[0])
        return next((name for name in ready if MODELS[name].kind == TEXT), ready[0])

    def _form(self, brief: Brief, longest: float) -> list[form.Part]:
        return form.parts(form.bars_for(brief.duration_seconds, brief.bpm), brief.bpm, longest)

    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One take: the best of a few tries, at the asked tempo and key where that can be had, and mastered.

        On the processor the same brief, weights and machine give the same samples. Raises EngineError when weights
        are missing or damaged, and when there is not enough memory.
        """
        progress = Progress(Calm(on_progress))
        brief = prepared_again(self, brief)
        progress.to(0.0, "Loading the model")
        loaded = load(str(brief.model), tick=progress.tick)
        progress.to(0.04, "Listening to the references")
        wearing = adapter.worn(loaded.net.lm, material.adapter, loaded.sha256)
        with devices.readable_failures("Choose a smaller model, fewer tries or a shorter take."), wearing:
            return self._take(brief, material, loaded, progress)

    def _take(self, brief: Brief, material: Material, loaded: Loaded, progress: Progress) -> Rendering:
        how = _references_as(brief, loaded)
        heard = None
        if how != UNUSED:
            heard = references.excerpt(
                brief,
                material.corpus,
                seconds=PROMPT_SECONDS if how == AS_BEGINNING else loaded.net.max_duration,
                melodic=how == AS_MELODY and not separating.is_here(),
                tick=progress.tick,
            )
        asked = sampling.Sampling.of(brief)
        player = Player(
            loaded,
            asked,
            melody=heard.sound if heard and how == AS_MELODY else None,
            prompt=heard.sound if heard and how == AS_BEGINNING else None,
        )
        found = self._form(brief, loaded.net.max_duration)
        maker = Maker(
            brief, material, player, found, progress, int(brief.options["candidates"]), rounds=ROUNDS
        )
        tries = maker.begin()
        best = max(tries, key=lambda one: one.rank)
        if not best.is_new:
            raise EngineError(
                "Every try came out as a copy of a recording of yours. Take another reference, fewer bars of it, or "
                "another seed."
            )
        raw, fix, notes = maker.finish(best)
        progress.to(0.76, "Bringing it to tempo and key")
        samples = round(found[-1].end_bar * form.BEATS * 60.0 / brief.bpm * SAMPLE_RATE)
        sound = _fitted(exact.corrected(raw, fix), samples)
        if float(np.abs(sound).max(initial=0.0)) < QUIETEST:
            raise EngineError("The model answered with silence. Try another seed, or more words.")
        if not best.correction.possible:
            notes.append(f"{best.correction.why} It is left as it is.")
        done = ending.ended(sound, brief, progress, 0.80)
        progress.to(1.0, "Mastered")
        return Rendering(
            audio=done.audio,
            sample_rate=SAMPLE_RATE,
            stems=done.stems,
            plan={
                "engine": f"{self.slug}/{self.version}",
                "model": loaded.model.name,
                "text": brief.text,
                "sampling": asked.to_json(),
                "seed": str(best.seed),
                "bpm": brief.bpm,
                "samples": samples,
                "tries": len(tries),
                "correction": fix.to_json(),
                "windows": maker.windows,
                "references_as": how if heard else UNUSED,
                "conditioned_on": list(heard.sources) if heard else [],
                "candidates": [one.told(best) for one in tries],
                "choice": choice(tries, best),
                **done.told,
                "environment": devices.environment(loaded.device),
                **({"adapter": material.adapter.said()} if material.adapter else {}),
            },
            sections=finishing.sections([(one.name, one.bars) for one in found], brief.bpm),
            notes=notes,
            generator=generator_of(loaded.model, loaded.sha256)
            | {"conditioned_on": [one["track_id"] for one in heard.sources] if heard else []}
            | adapter.generator(material.adapter),
        )


def _references_as(brief: Brief, loaded: Loaded) -> str:
    asked = str(brief.options["references_as"])
    if not brief.references or asked == UNUSED:
        return UNUSED
    if asked == "auto":
        return AS_MELODY if loaded.melody else AS_BEGINNING
    return asked


def _fitted(sound: np.ndarray, samples: int) -> np.ndarray:
    """To a number of samples, with the last 30 ms faded where it was cut."""
    if sound.shape[1] < samples:
        return np.pad(sound, ((0, 0), (0, samples - sound.shape[1])))
    cut = np.array(sound[:, :samples], dtype=np.float32)
    fade = min(samples, round(0.03 * SAMPLE_RATE))
    cut[:, samples - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return cut
