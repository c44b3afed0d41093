"""MusicGen as an engine: a brief becomes words, words become tokens, tokens become a mastered take."""

from __future__ import annotations

from typing import Any

import numpy as np

from generation.brief import Brief
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering
from generation.engines.neural import devices, places
from generation.engines.neural.audiocraft_models import Loaded, load
from generation.engines.neural.catalogue import CC_BY_NC, MELODY, TEXT, of_kind
from generation.engines.neural.sampling import Sampling, sample, seeded
from generation.mastering import master, target_lufs
from generation.training import adapter

SAMPLE_RATE = 44_100
LONGEST_SECONDS = 30.0
# Offered first when none is asked for: what a processor manages, then what sounds better.
PREFERRED = ("musicgen-small", "musicgen-stereo-small")


class MusicGen:
    """Music from words, and from your own melodies, with weights that Meta trained."""

    slug = "musicgen"
    label = "MusicGen"
    version = "1"
    licence = f"Weights {CC_BY_NC.name}: not for commercial use"
    commercial_use = CC_BY_NC.commercial_use
    description = "Plays from words, with weights that Meta trained on licensed music."

    def models(self) -> list[str]:
        """Names of the models it can use, the one to begin with first."""
        names = [model.name for model in of_kind(TEXT, MELODY)]
        return [*PREFERRED, *(name for name in names if name not in PREFERRED)]

    def availability(self) -> Availability:
        return places.availability_of(self.models())

    def capabilities(self) -> frozenset[str]:
        return frozenset({"bpm", "key", "energy", "references", "stems", "midi", "seed", "adapter"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        """Seconds for all takes, before this machine has made any."""
        return brief.takes * (20.0 + 6.0 * brief.duration_seconds)

    def model_for(self, brief: Brief) -> str:
        """The asked model, or the first that is here. Raises EngineError."""
        if brief.model:
            name = brief.model if brief.model.startswith("musicgen-") else f"musicgen-{brief.model}"
            if name not in self.models():
                known = ", ".join(one.removeprefix("musicgen-") for one in self.models())
                raise EngineError(f"MusicGen has no model “{brief.model}”. Choose: {known}.")
            return name
        ready = places.ready(self.models())
        return ready[0] if ready else self.models()[0]

    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One take. The same brief, model and machine give the same samples on the processor.

        Raises EngineError when weights are missing or damaged, and when there is not enough memory.
        """
        name = self.model_for(brief)
        on_progress(0.0, "Loading the model")
        loaded = load(name, tick=lambda: on_progress(0.0, "Loading the model"))
        text = brief.text or brief.prompt
        sampling = Sampling(temperature=brief.temperature)
        seconds = min(brief.duration_seconds, LONGEST_SECONDS)
        worn = adapter.worn(loaded.net.lm, material.adapter, loaded.sha256)
        with devices.readable_failures("Choose a smaller model or a shorter take."), worn:
            sound = _made(loaded, text, seconds, sampling, brief.seed, on_progress)
        on_progress(0.9, "Mastering")
        mastered = master({"mix": sound}, SAMPLE_RATE, target_lufs=target_lufs(brief.genre))
        return Rendering(
            audio=mastered.audio,
            sample_rate=SAMPLE_RATE,
            stems=mastered.stems,
            plan={
                "engine": f"{self.slug}/{self.version}",
                "text": text,
                "sampling": sampling.to_json(),
                "seed": str(brief.seed),
                "environment": devices.environment(loaded.device),
                **({"adapter": material.adapter.said()} if material.adapter else {}),
            },
            generator=generator_of(loaded) | adapter.generator(material.adapter),
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


def _made(
    loaded: Loaded, text: str, seconds: float, sampling: Sampling, seed: int, on_progress: OnProgress
) -> np.ndarray:
    """(2, samples) float32 at 44.1 kHz."""
    import torch

    net = loaded.net
    frames = round(seconds * net.frame_rate)

    def step(done: int, of: int) -> None:
        on_progress(0.05 + 0.8 * done / max(1, of), "Playing")

    with seeded(seed, loaded), torch.no_grad():
        attributes, _ = net._prepare_tokens_and_attributes([text], None)
        tokens = sample(loaded, attributes, frames, sampling, step)
        sound = net.generate_audio(tokens)[0].float().cpu().numpy()
    return at_rate(sound, net.sample_rate)


def at_rate(sound: np.ndarray, rate: int) -> np.ndarray:
    """(1 or 2, samples) at `rate` as (2, samples) float32 at 44.1 kHz."""
    import soxr

    if rate != SAMPLE_RATE:
        sound = np.ascontiguousarray(soxr.resample(sound.T, rate, SAMPLE_RATE, quality="VHQ").T)
    if sound.shape[0] == 1:
        sound = np.concatenate([sound, sound])
    return np.asarray(sound, dtype=np.float32)
