"""One training from recordings to a saved adapter, in slices: it may be stopped anywhere and goes on from there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from generation.engines.base import Cache
from generation.engines.neural import devices
from generation.engines.neural.audiocraft_models import Loaded
from generation.training import adapter, checkpoint, lora
from generation.training.dataset import Recording, chunks, split
from generation.training.errors import NOT_KEPT, TrainingError
from generation.training.recipe import Recipe
from generation.training.tokens import codes_of, examples, name_of
from generation.training.trainer import Trainer

CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class News:
    """How far a training is. seconds: of computing in this slice. curves: as Curves.to_json; None while it prepares."""

    stage: str
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    curves: dict[str, Any] | None = None
    best_loss: float | None = None


@dataclass(frozen=True)
class Material:
    """What is learned from. said: what its card says of it beside what is counted here (catalog_hash, consents …)."""

    recordings: Sequence[Recording]
    said: Mapping[str, Any]


OnNews = Callable[[News], None]


def train(
    loaded: Loaded,
    material: Material,
    recipe: Recipe,
    *,
    name: str,
    folder: Path,
    cache: Cache | None,
    on_news: OnNews,
    pause: Callable[[], bool],
) -> dict[str, Any] | None:
    """Train until it is finished: the card of the saved adapter. Or until `pause` says so: None, with a checkpoint.

    on_news may raise to stop; what was learned up to the last checkpoint is kept. loaded: in 32 bit. Raises
    TrainingError with a sentence.
    """
    if loaded.device.half:
        raise TrainingError("An adapter is trained on weights in 32 bit.")
    lm, codec = loaded.net.lm, loaded.net.compression_model
    identity = identity_of(loaded, material, recipe)
    segment = recipe.chunk_seconds or loaded.model.seconds
    readable = [one for one in material.recordings if chunks(one, segment)]
    learned, apart = split([one.id for one in readable], recipe.held_out, recipe.seed)
    codes = _encoded(readable, codec, codec_sha256(loaded), cache, on_news, recipe, pause)
    if codes is None:
        return None
    rate = float(codec.frame_rate)
    train_chunks = [chunk for one in readable if one.id in learned for chunk in chunks(one, segment)]
    test_chunks = [chunk for one in readable if one.id in apart for chunk in chunks(one, segment, hop=1.0)]
    smaller = "Try fewer chunks for each step, a lower rank, or a smaller model."
    with devices.readable_failures(smaller), lora.injected(lm, recipe) as factors:
        trainer = Trainer(
            lm,
            factors,
            examples(train_chunks, codes, rate, segment),
            examples(test_chunks, codes, rate, segment),
            recipe,
        )
        checkpoint.load(folder, trainer, identity)
        if not _trained(trainer, folder, identity, on_news, pause):
            return None
        card = {
            "name": name,
            "base": _base(loaded),
            "recipe": recipe.to_json(),
            "recipe_sha256": recipe.sha256,
            "scale": recipe.scale,
            "targets": [*lora.MODULES, *lora.PARAMETERS],
            "parameters": sum(factor.numel() for factor in factors),
            "training": {
                **material.said,
                "tracks": len(learned),
                "held_out_tracks": len(apart),
                "chunks": len(trainer.train),
                "seconds": round(sum(one.codes.shape[1] for one in trainer.train) / rate, 1),
            },
            "losses": {
                **trainer.curves.to_json(),
                "before": round(trainer.curves.validation[0][1], 5),
                "best": round(trainer.best_loss, 5),
                "best_step": trainer.best["step"],
            },
            "steps": trainer.step,
            "stopped_early": trainer.stopped_early,
            "environment": devices.environment(loaded.device),
        }
        return adapter.save(folder, trainer.best["factors"], card)


def identity_of(loaded: Loaded, material: Material, recipe: Recipe) -> str:
    """What a checkpoint is of: another model, other sound or another recipe begins anew."""
    tracks = [[one.id, one.digest] for one in sorted(material.recordings, key=lambda one: one.id)]
    known = json.dumps([loaded.sha256, recipe.to_json(), tracks], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()


def codec_sha256(loaded: Loaded) -> str:
    """Of the codec's weights as they are in memory: a stereo codec is named apart from its mono one."""
    digest = hashlib.sha256(f"{loaded.net.compression_model.channels} channels".encode())
    for name, part in sorted(loaded.net.compression_model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(part.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()


def _encoded(
    recordings: Sequence[Recording],
    codec: Any,
    codec_hash: str,
    cache: Cache | None,
    on_news: OnNews,
    recipe: Recipe,
    pause: Callable[[], bool],
) -> dict[str, np.ndarray] | None:
    """Codes of each recording; None when `pause` says so: the next time those done come from the cache.

    None too when a recording was withdrawn in the meantime: the next time it is not among them. Raises TrainingError
    when the cache does not keep what it was given, with which there would be no end.
    """
    found: dict[str, np.ndarray] = {}
    for number, one in enumerate(recordings, start=1):
        news = News(f"Reading track {number} of {len(recordings)}", steps=recipe.steps)
        worked: list[bool] = []
        on_news(news)

        def tick(news: News = news, worked: list[bool] = worked) -> None:
            worked.append(True)
            on_news(news)

        found[one.id] = codes_of(one, codec, codec_hash, cache, tick)
        if not worked:
            continue
        if not one.wanted():
            return None
        if cache is not None and number < len(recordings) and pause():
            for before in recordings[:number]:
                lost = cache.get(before.id, before.digest, name_of(codec_hash)) is None
                if lost and before.wanted():
                    raise TrainingError(NOT_KEPT)
            return None
    return found


def _trained(
    trainer: Trainer, folder: Path, identity: str, on_news: OnNews, pause: Callable[[], bool]
) -> bool:
    began = kept = time.monotonic()

    def on_step() -> None:
        nonlocal kept
        if time.monotonic() - kept > CHECKPOINT_SECONDS:
            checkpoint.save(folder, trainer, identity)
            kept = time.monotonic()
        on_news(
            News(
                "Training",
                trainer.step,
                trainer.recipe.steps,
                time.monotonic() - began,
                trainer.curves.to_json(),
                trainer.best_loss,
            )
        )

    done = trainer.run(on_step, pause)
    checkpoint.save(folder, trainer, identity)
    return done


def _base(loaded: Loaded) -> dict[str, Any]:
    licence = loaded.model.licence
    return {
        "model": loaded.model.name,
        "label": loaded.model.label,
        "sha256": loaded.sha256,
        "licence": licence.name,
        "licence_url": licence.url,
        "commercial_use": licence.commercial_use,
    }
