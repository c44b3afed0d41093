"""The models that are known here, as data. Sizes are of the published files, rounded; licences as their authors state.

Sources: the model cards on huggingface.co under each `repo`, and MUSICGEN.md, AUDIOGEN.md and LICENSE_weights of
facebookresearch/audiocraft.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GB = 10**9
MB = 10**6

TEXT, MELODY, EFFECTS, CODEC, ENCODER, SEPARATOR, DIFFUSION = (
    "text",
    "melody",
    "effects",
    "codec",
    "text encoder",
    "separator",
    "diffusion",
)


@dataclass(frozen=True)
class Licence:
    """commercial_use: whether what the weights make may be sold. gated: the hub wants the licence accepted there."""

    name: str
    url: str
    commercial_use: bool
    summary: str
    gated: bool = False


CC_BY_NC = Licence(
    "CC-BY-NC-4.0",
    "https://creativecommons.org/licenses/by-nc/4.0/",
    False,
    "Not for commercial use: what these weights make may not be sold or used in a product.",
)
APACHE = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", True, "Free for any use.")
MIT = Licence("MIT", "https://opensource.org/license/mit", True, "Free for any use.")
STABILITY_COMMUNITY = Licence(
    "Stability AI Community License",
    "https://stability.ai/license",
    True,
    "Commercial use as long as you or your company earn less than 1 million US$ a year, after registering with "
    "Stability AI; above that only with their enterprise licence.",
    gated=True,
)


@dataclass(frozen=True)
class Model:
    """One set of weights.

    name: how people and settings call it, and its folder. repo: its name on the hub, or the address of the folder that
    has its files. files: what the loader needs, relative to the folder. size_bytes: of them together, about. kind: one
    of the words above. parameters: of the network that takes the time, about. sample_rate: Hz of its sound. seconds:
    longest stretch it makes at once.
    needs: names of further models it does not work without. wants: those it works better with.
    """

    name: str
    label: str
    repo: str
    files: tuple[str, ...]
    size_bytes: int
    licence: Licence
    kind: str
    parameters: int = 0
    sample_rate: int = 32_000
    channels: int = 1
    seconds: float = 30.0
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()


LM, CODEC_FILE = "state_dict.bin", "compression_state_dict.bin"
T5_FILES = ("config.json", "model.safetensors", "spiece.model", "tokenizer.json", "tokenizer_config.json")

# The parts that diffusers loads; the single file beside them in the repository is for stable-audio-tools.
STABLE_AUDIO_FILES = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/spiece.model",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "projection_model/config.json",
    "projection_model/diffusion_pytorch_model.safetensors",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)
# Of a tokenizer: it comes as sentencepiece or as JSON, and one of them is enough.
OPTIONAL = ("spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def may_be_absent(file: str) -> bool:
    return file.rpartition("/")[2] in OPTIONAL


def _musicgen(size: str, parameters: int, size_bytes: int) -> list[Model]:
    """The mono model of a size and its stereo brother."""
    melody = "melody" in size
    kind = MELODY if melody else TEXT
    wants = ("htdemucs",) if melody else ()
    shared = {"files": (LM, CODEC_FILE), "licence": CC_BY_NC, "kind": kind, "parameters": parameters}
    return [
        Model(
            name=f"musicgen-{stereo}{size}",
            label=f"MusicGen {stereo}{size}".replace("-", " "),
            repo=f"facebook/musicgen-{stereo}{size}",
            size_bytes=size_bytes,
            channels=2 if stereo else 1,
            needs=("t5-base",),
            wants=wants,
            **shared,  # type: ignore[arg-type]
        )
        for stereo in ("", "stereo-")
    ]


MODELS: dict[str, Model] = {
    model.name: model
    for model in [
        *_musicgen("small", 420_000_000, round(1.1 * GB)),
        *_musicgen("medium", 1_840_000_000, round(3.9 * GB)),
        *_musicgen("large", 3_260_000_000, round(6.8 * GB)),
        *_musicgen("melody", 1_390_000_000, round(3.0 * GB)),
        *_musicgen("melody-large", 2_450_000_000, round(5.2 * GB)),
        Model(
            name="audiogen-medium",
            label="AudioGen medium",
            repo="facebook/audiogen-medium",
            files=(LM, CODEC_FILE),
            size_bytes=round(3.9 * GB),
            licence=CC_BY_NC,
            kind=EFFECTS,
            parameters=1_840_000_000,
            sample_rate=16_000,
            seconds=10.0,
            needs=("t5-large",),
        ),
        Model(
            name="encodec-32khz",
            label="EnCodec 32 kHz",
            repo="facebook/encodec_32khz",
            files=("config.json", "model.safetensors"),
            size_bytes=236 * MB,
            licence=CC_BY_NC,
            kind=CODEC,
            parameters=59_000_000,
        ),
        Model(
            name="stable-audio-open",
            label="Stable Audio Open 1.0",
            repo="stabilityai/stable-audio-open-1.0",
            files=STABLE_AUDIO_FILES,
            size_bytes=round(5.3 * GB),
            licence=STABILITY_COMMUNITY,
            kind=DIFFUSION,
            parameters=1_060_000_000,
            sample_rate=44_100,
            channels=2,
            seconds=47.5,
        ),
        Model(
            name="htdemucs",
            label="Demucs",
            repo="https://dl.fbaipublicfiles.com/demucs/hybrid_transformer/",
            files=("955717e8-8726e21a.th",),
            size_bytes=84 * MB,
            licence=MIT,
            kind=SEPARATOR,
            sample_rate=44_100,
            channels=2,
        ),
        Model("t5-small", "T5 small", "google-t5/t5-small", T5_FILES, 245 * MB, APACHE, ENCODER),
        Model("t5-base", "T5 base", "google-t5/t5-base", T5_FILES, 895 * MB, APACHE, ENCODER),
        Model("t5-large", "T5 large", "google-t5/t5-large", T5_FILES, round(2.95 * GB), APACHE, ENCODER),
    ]
}


def of_kind(*kinds: str) -> list[Model]:
    return [model for model in MODELS.values() if model.kind in kinds]


def generator_of(model: Model, sha256: str) -> dict[str, Any]:
    """What a certificate says of weights whose hash this is."""
    return {
        "weights": model.name,
        "weights_label": model.label,
        "weights_sha256": sha256,
        "licence": model.licence.name,
        "licence_url": model.licence.url,
        "commercial_use": model.licence.commercial_use,
        "fine_tuned": False,
    }
