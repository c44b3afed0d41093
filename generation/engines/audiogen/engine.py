"""AudioGen as an engine: a texture or an effect from words, to lay under music. It knows neither tempo nor key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from generation.brief import Brief
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering
from generation.engines.neural import devices, places
from generation.engines.neural.audiocraft_models import load
from generation.engines.neural.catalogue import CC_BY_NC, EFFECTS, MODELS, generator_of, of_kind
from generation.engines.neural.options import decided
from generation.engines.neural.pace import Calm, guess
from generation.engines.neural.player import Player
from generation.engines.neural.preparing import check_model, check_text, prepared_again
from generation.engines.neural.sampling import OPTIONS, Sampling
from generation.engines.neural.sound import SAMPLE_RATE
from generation.engines.progress import Progress
from generation.mastering import master
from generation.prompting import BadWishes

LONGEST_SECONDS = 60.0
LUFS = -18.0  # under music, not beside it
QUIETEST = 1e-4


class AudioGen:
    """Textures and effects from words."""

    slug = "audiogen"
    label = "AudioGen"
    version = "1"
    licence = f"Weights {CC_BY_NC.name}"
    commercial_use = CC_BY_NC.commercial_use
    description = "Rain, crowds, machines, rooms: textures and effects from words, not music."
    queue = "gpu"
    options = OPTIONS

    def models(self) -> list[str]:
        return [model.name for model in of_kind(EFFECTS)]

    def availability(self) -> Availability:
        return places.availability_of(self.models())

    def capabilities(self) -> frozenset[str]:
        return frozenset({"seed"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        return brief.takes * guess(MODELS[brief.model or self.models()[0]], brief.duration_seconds, 1)

    def prepared(self, brief: Brief, dna: Mapping[str, Any]) -> Brief:
        """What is heard is what is written: the words are the prompt's. Raises BadWishes."""
        if brief.duration_seconds > LONGEST_SECONDS:
            raise BadWishes({"duration_seconds": f"AudioGen makes up to {LONGEST_SECONDS:.0f} seconds."})
        check_model(self.label, brief.model, self.models())
        text = (brief.text or brief.prompt).strip()
        check_text(text)
        evidence = brief.evidence | {"text": "asked" if brief.text else "rules"}
        return replace(
            brief,
            model=brief.model or self.models()[0],
            text=text or "quiet room tone",
            options=decided(self.options, brief.options),
            evidence=evidence,
        )

    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One sound. Raises EngineError when weights are missing or damaged, and when there is not enough memory."""
        progress = Progress(Calm(on_progress))
        brief = prepared_again(self, brief)
        progress.to(0.0, "Loading the model")
        loaded = load(str(brief.model), tick=progress.tick)
        sampling = Sampling.of(brief)
        text = str(brief.text)
        with devices.readable_failures("Make the sound shorter."):
            sound = _played(Player(loaded, sampling), text, brief, progress)
        if float(np.abs(sound).max(initial=0.0)) < QUIETEST:
            raise EngineError("The model answered with silence. Try another seed, or more words.")
        progress.to(0.9, "Setting its level")
        done = master({"fx": sound}, SAMPLE_RATE, target_lufs=LUFS, on_step=progress.tick)
        progress.to(1.0, "Ready")
        return Rendering(
            audio=done.audio,
            sample_rate=SAMPLE_RATE,
            stems=done.stems,
            plan={
                "engine": f"{self.slug}/{self.version}",
                "model": loaded.model.name,
                "text": text,
                "sampling": sampling.to_json(),
                "seed": str(brief.seed),
                "samples": int(sound.shape[1]),
                "environment": devices.environment(loaded.device),
            },
            notes=["AudioGen knows neither tempo nor key: those of the request were not used."],
            generator=generator_of(loaded.model, loaded.sha256),
        )


def _played(player: Player, text: str, brief: Brief, progress: Progress) -> np.ndarray:
    total = round(brief.duration_seconds * player.frame_rate)
    begun = min(total, player.longest)

    def step(done: int) -> None:
        progress.to(0.04 + 0.8 * done / total, "Making the sound")

    tokens = player.first([text], begun, brief.seed, step)
    part = 0
    while (have := int(tokens.shape[-1])) < total:
        part += 1
        context = player.longest // 3
        more = min(total - have, player.longest - context)

        def further(done: int, have: int = have) -> None:
            progress.to(0.04 + 0.8 * (have + done) / total, "Making the sound")

        tokens = player.go_on(tokens, text, context, more, (brief.seed + 1_000_003 * part) % 2**63, further)
    progress.to(0.86, "Decoding")
    return player.heard(tokens)
