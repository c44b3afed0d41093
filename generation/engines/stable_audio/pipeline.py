"""diffusers' StableAudioPipeline from a folder on this machine: no network, no pickles, one step at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.engines.base import EngineError
from generation.engines.neural import devices, warm
from generation.engines.neural.catalogue import Model
from generation.engines.neural.devices import Device
from generation.engines.neural.hashing import weights_sha256
from generation.engines.neural.places import Place, damaged, placed

PARTS = ("transformer", "vae", "text_encoder", "projection_model")
# Of the noise an init sound starts under: at the lowest little changes, at the highest nothing of it is left. The
# pipeline itself has no strength; its scheduler begins where it is told to (stable-audio-tools: init_noise_level).
LEAST_NOISE, MOST_NOISE = 0.5, 500.0
SIGMAS = (0.3, MOST_NOISE)


@dataclass(frozen=True)
class Loaded:
    """pipe: a StableAudioPipeline in eval mode on `device`."""

    model: Model
    place: Place
    pipe: Any
    device: Device
    sha256: str

    @property
    def rate(self) -> int:
        return int(self.pipe.vae.config.sampling_rate)

    @property
    def seconds(self) -> float:
        """The longest stretch it makes at once."""
        return float(self.pipe.transformer.config.sample_size * self.pipe.vae.hop_length / self.rate)


@dataclass(frozen=True)
class Steps:
    """How a sound is drawn. count: denoising steps. guidance: how closely the words are followed, 1 is not at all."""

    count: int = 100
    guidance: float = 7.0
    negative: str = ""


@dataclass(frozen=True)
class Init:
    """A sound to begin from: (2, n) float32 at the model's rate. strength: 0 keeps it, 1 keeps nothing of it."""

    sound: np.ndarray
    strength: float

    @property
    def noise(self) -> float:
        return float(LEAST_NOISE * (MOST_NOISE / LEAST_NOISE) ** min(1.0, max(0.0, self.strength)))


def load(name: str, device: Device | None = None, tick: Callable[[], None] = lambda: None) -> Loaded:
    """The model of this name, warm or loaded now. tick: called in between; may raise to stop.

    Raises EngineError (ModelMissing) with a sentence when weights are missing, damaged or of another kind.
    """
    device = device or devices.chosen()
    place = placed(name)
    sha256 = weights_sha256(place, tick)
    tick()
    files = sum(place.file(file).stat().st_size for file in place.model.files if place.file(file).is_file())
    return warm.model(
        (name, sha256, device),
        lambda: Loaded(place.model, place, _build(place, device), device, sha256),
        lambda loaded: sum(
            one.numel() * one.element_size()
            for part in PARTS
            for one in getattr(loaded.pipe, part).parameters()
        ),
        devices.room(device),
        files // 2 if device.half else files,
    )


def _build(place: Place, device: Device) -> Any:
    import torch
    from diffusers import StableAudioPipeline
    from diffusers.utils import logging
    from transformers.utils import logging as theirs

    logging.disable_progress_bar()
    theirs.disable_progress_bar()
    with devices.readable_failures(f"{place.model.label} is too large for this machine."):
        try:
            pipe = StableAudioPipeline.from_pretrained(
                str(place.folder),
                dtype=torch.float16 if device.half else torch.float32,
                local_files_only=True,
                use_safetensors=True,
            )
            wrong = _wrong(pipe)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if "memory" in str(error).lower():
                raise
            raise damaged(place.model.name, _guilty(place), "it cannot be read") from error
        if wrong:
            raise damaged(place.model.name, "model_index.json", wrong)
        pipe.set_progress_bar_config(disable=True)
        return pipe.to(device.name)


def _wrong(pipe: Any) -> str:
    if int(pipe.vae.config.sampling_rate) != 44_100 or int(pipe.vae.config.audio_channels) != 2:
        return "it does not make stereo sound at 44.1 kHz"
    if pipe.transformer.config.in_channels != pipe.vae.config.decoder_input_channels:
        return "its parts do not fit each other"
    return ""


def _guilty(place: Place) -> str:
    """The first file of weights that cannot be opened, or the index of the parts when all can."""
    from safetensors import safe_open

    for file in place.model.files:
        if file.endswith(".safetensors"):
            try:
                with safe_open(place.file(file), framework="pt"):
                    pass
            except Exception:  # noqa: BLE001  safetensors has one error of its own for all
                return file
    return "model_index.json"


def draw(
    loaded: Loaded,
    text: str,
    seconds: float,
    seed: int,
    steps: Steps,
    on_step: Callable[[int, int], None],
    init: Init | None = None,
) -> np.ndarray:
    """(2, round(seconds * rate)) float32. `on_step(done, of)` may raise to stop; then nothing is left behind.

    On the processor the same arguments give the same samples; the noise is drawn there on any device.
    """
    import torch
    from diffusers import CosineDPMSolverMultistepScheduler

    pipe = loaded.pipe
    config = dict(pipe.scheduler.config) | {
        "sigma_min": SIGMAS[0],
        "sigma_max": init.noise if init is not None else SIGMAS[1],
    }
    pipe.scheduler = CosineDPMSolverMultistepScheduler.from_config(config)

    def step(index: int, _: Any, latents: Any) -> None:
        on_step(index + 1, steps.count)

    more: dict[str, Any] = {}
    if init is not None:
        kind = pipe.transformer.dtype
        more["initial_audio_waveforms"] = torch.from_numpy(init.sound[None]).to(loaded.device.name, kind)
        more["initial_audio_sampling_rate"] = loaded.rate
    on_step(0, steps.count)
    with (
        devices.readable_failures("Ask for a shorter take, or for fewer candidates."),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings(
            "ignore", module="torchsde"
        )  # the last step ends at 0, and rounding at either end
        made = pipe(
            prompt=text,
            negative_prompt=steps.negative or None,
            audio_end_in_s=min(seconds, loaded.seconds),
            num_inference_steps=steps.count,
            guidance_scale=steps.guidance,
            generator=torch.Generator("cpu").manual_seed(seed % 2**63),
            callback=step,
            callback_steps=1,
            output_type="np",
            **more,
        ).audios[0]
    sound = np.asarray(made, dtype=np.float32)
    if not np.isfinite(sound).all():
        raise EngineError("The model made something that is no sound. Try another seed, or less guidance.")
    return sound
