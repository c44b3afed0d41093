"""A tiny but genuine StableAudioPipeline: every part of the published one, half a megabyte, noise instead of music."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation.engines.neural.catalogue import MODELS
from tests.generation.tiny_models import tokenizer

NAME = "stable-audio-open"
SECONDS = 23.8  # at once: 512 frames of 2048 samples
ACCEPTED = {
    "licence": "Stability AI Community License",
    "url": "",
    "by": "tests",
    "at": "2026-11-28T00:00:00+00:00",
}


def build(folder: Path) -> None:
    import torch
    from diffusers import (
        AutoencoderOobleck,
        CosineDPMSolverMultistepScheduler,
        StableAudioDiTModel,
        StableAudioPipeline,
        StableAudioProjectionModel,
    )
    from transformers import T5Config, T5EncoderModel

    words = tokenizer()
    words.model_max_length = 64
    with torch.random.fork_rng():
        torch.manual_seed(5)
        pipe = StableAudioPipeline(
            vae=AutoencoderOobleck(
                encoder_hidden_size=16,  # mean and spread of each latent channel
                downsampling_ratios=[4, 8, 8, 8],
                channel_multiples=[1, 1, 1, 1],
                decoder_channels=4,
                decoder_input_channels=8,
                audio_channels=2,
                sampling_rate=44_100,
            ),
            text_encoder=T5EncoderModel(
                T5Config(vocab_size=len(words), d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
            ),
            tokenizer=words,
            transformer=StableAudioDiTModel(
                sample_size=512,
                in_channels=8,
                out_channels=8,
                num_layers=1,
                attention_head_dim=8,
                num_attention_heads=2,
                num_key_value_attention_heads=1,
                cross_attention_dim=16,
                time_proj_dim=16,
                global_states_input_dim=32,
                cross_attention_input_dim=16,
            ),
            projection_model=StableAudioProjectionModel(
                text_encoder_dim=32, conditioning_dim=16, min_value=0, max_value=512
            ),
            scheduler=CosineDPMSolverMultistepScheduler(
                solver_order=2, prediction_type="v_prediction", sigma_data=1.0, sigma_schedule="exponential"
            ),
        )
        pipe.save_pretrained(folder, safe_serialization=True)


def accept(folder: Path) -> None:
    """What fetch_model leaves beside the files."""
    files = {
        path: {"size": (folder / path).stat().st_size, "sha256": "", "checked": "hub"}
        for path in MODELS[NAME].files
        if (folder / path).is_file()
    }
    (folder / "manifest.json").write_text(json.dumps({"name": NAME, "licence": ACCEPTED, "files": files}))


@pytest.fixture(scope="session")
def tiny_stable_audio_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder. Read only: tests that spoil it copy it first."""
    folder = tmp_path_factory.mktemp("tiny-stable-audio") / NAME
    build(folder)
    return folder


@pytest.fixture
def tiny_stable_audio(
    tiny_stable_audio_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The product finds a copy of it, its licence accepted, and no other model. Yields its folder."""
    import shutil

    from generation.engines.neural import warm

    models = tmp_path / "models"
    shutil.copytree(tiny_stable_audio_files, models / NAME)
    accept(models / NAME)
    monkeypatch.setenv("STARFORGE_MODELS", str(models))
    monkeypatch.setenv("STARFORGE_DEVICE", "cpu")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    yield models / NAME
    warm.forget()
