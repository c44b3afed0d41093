"""Tiny but genuine checkpoints, in the formats in which the large ones are published: made in seconds, under 1 MB each.

They make noise, not music; loading, sampling, continuing and decoding are the real code. `tiny_models` puts all of
them where the product looks: language models and codecs in STARFORGE_MODELS, text encoders in the hub's cache.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DIM, CARD = 32, 64
REVISION = "0123456789abcdef0123456789abcdef01234567"
T5_DIMS = {"t5-base": 768, "t5-large": 1024}
WORDS = [
    "a dark techno track with a driving bass line and bright synths at 140 bpm in f minor",
    "slow ambient pads warm and airy with soft piano",
    "punchy drums deep sub bass low energy high energy melodic house",
]


def lm_config(
    *, t5: str = "t5-base", n_q: int = 4, stereo: bool = False, melody: bool = False, **more: Any
) -> dict[str, Any]:
    """The `xp.cfg` of a MusicGen or AudioGen language model."""
    conditioners: dict[str, Any] = {
        "description": {
            "model": "t5",
            "t5": {"name": t5, "finetune": False, "word_dropout": 0.2, "normalize_text": False},
        },
        "args": {"merge_text_conditions_p": 0.25, "drop_desc_p": 0.5},
    }
    fuser: dict[str, Any] = {
        "cross_attention_pos_emb": False,
        "cross_attention_pos_emb_scale": 1,
        "sum": [],
        "prepend": [],
        "cross": ["description"],
        "input_interpolate": [],
    }
    if melody:
        conditioners["self_wav"] = {
            "model": "chroma_stem",
            "chroma_stem": {
                "sample_rate": 32_000,
                "n_chroma": 12,
                "radix2_exp": 14,
                "argmax": True,
                "match_len_on_eval": False,
                "eval_wavs": None,
                "n_eval_wavs": 100,
                "cache_path": None,
            },
        }
        fuser |= {"prepend": ["self_wav", "description"], "cross": []}
    delays = [0, 1, 2, 3] if not stereo else [0, 0, 1, 1, 2, 2, 3, 3]
    return {
        "solver": "musicgen",
        "device": "cpu",
        "dtype": "float32",
        "channels": 2 if stereo else 1,
        "sample_rate": more.get("sample_rate", 32_000),
        "dataset": {"segment_duration": more.get("seconds", 30)},
        "lm_model": "transformer_lm",
        "compression_model_checkpoint": "//pretrained/facebook/encodec_32khz",
        "codebooks_pattern": {
            "modeling": "delay",
            "delay": {"delays": delays, "flatten_first": 0, "empty_initial": 0},
        },
        "transformer_lm": {
            "dim": DIM,
            "num_heads": 4,
            "num_layers": 2,
            "hidden_scale": 4,
            "n_q": 2 * n_q if stereo else n_q,
            "card": CARD,
            "dropout": 0.0,
            "emb_lr": None,
            "activation": "gelu",
            "norm_first": True,
            "bias_ff": False,
            "bias_attn": False,
            "bias_proj": False,
            "past_context": None,
            "causal": True,
            "custom": False,
            "memory_efficient": True,
            "attention_as_float32": False,
            "layer_scale": None,
            "positional_embedding": "sin",
            "xpos": False,
            "checkpointing": "none",
            "weight_init": "gaussian",
            "depthwise_init": "current",
            "zero_bias_init": True,
            "norm": "layer_norm",
            "cross_attention": False,
            "qk_layer_norm": False,
            "qk_layer_norm_cross": False,
            "attention_dropout": None,
            "kv_repeat": 1,
            "two_step_cfg": False,
        },
        "classifier_free_guidance": {"training_dropout": 0.3, "inference_coef": 3.0},
        "attribute_dropout": {"args": {"active_on_eval": False}, "text": {}, "wav": {}},
        "fuser": fuser,
        "conditioners": conditioners,
        "interleave_stereo_codebooks": {"use": stereo, "per_timestep": False},
    }


def codec_config(sample_rate: int = 32_000) -> dict[str, Any]:
    """The `xp.cfg` of an EnCodec at 50 frames a second."""
    return {
        "solver": "compression",
        "device": "cpu",
        "dtype": "float32",
        "sample_rate": sample_rate,
        "channels": 1,
        "compression_model": "encodec",
        "encodec": {
            "autoencoder": "seanet",
            "quantizer": "rvq",
            "sample_rate": sample_rate,
            "channels": 1,
            "causal": False,
            "renormalize": False,
        },
        "seanet": {
            "dimension": 16,
            "channels": 1,
            "causal": False,
            "n_filters": 4,
            "n_residual_layers": 1,
            "ratios": [8, 5, 4, 4] if sample_rate == 32_000 else [8, 5, 4, 2],
            "activation": "ELU",
            "activation_params": {"alpha": 1.0},
            "norm": "weight_norm",
            "norm_params": {},
            "kernel_size": 7,
            "residual_kernel_size": 3,
            "last_kernel_size": 7,
            "dilation_base": 2,
            "pad_mode": "constant",
            "true_skip": True,
            "compress": 2,
            "lstm": 0,
            "disable_norm_outer_blocks": 0,
            "encoder": {},
            "decoder": {"trim_right_ratio": 1.0, "final_activation": None, "final_activation_params": None},
        },
        "rvq": {
            "n_q": 4,
            "bins": CARD,
            "q_dropout": False,
            "decay": 0.99,
            "kmeans_init": False,
            "kmeans_iters": 50,
            "threshold_ema_dead_code": 2,
            "orthogonal_reg_weight": 0.0,
            "orthogonal_reg_active_codes_only": False,
        },
    }


def save(path: Path, config: dict[str, Any], state: dict[str, Any]) -> None:
    import torch
    from omegaconf import OmegaConf

    path.parent.mkdir(parents=True, exist_ok=True)
    text = OmegaConf.to_yaml(OmegaConf.create(config))
    torch.save({"xp.cfg": text, "best_state": state, "version": "1", "exported": True}, path)


def make_codec(path: Path, sample_rate: int = 32_000, seed: int = 1) -> None:
    import torch
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    config = codec_config(sample_rate)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = builders.get_compression_model(OmegaConf.create(copy.deepcopy(config)))
        state = net.state_dict()
        for name, tensor in state.items():
            if name.endswith(".embed"):  # k-means would fill them in training
                tensor.copy_(torch.randn_like(tensor))
    save(path, config, state)


def make_lm(path: Path, config: dict[str, Any], seed: int = 2) -> None:
    import torch
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    from generation.engines.neural.audiocraft_models import _local_parts
    from generation.engines.neural.catalogue import MODELS
    from generation.engines.neural.places import Place

    place = Place(MODELS["musicgen-small"], path.parent, {})
    with torch.random.fork_rng(), _local_parts(place):
        torch.manual_seed(seed)
        made = OmegaConf.create(copy.deepcopy(config))
        del made.conditioners.args
        net = builders.get_lm_model(made)
    save(path, config, net.state_dict())


def make_demucs(file: Path) -> None:
    """A Demucs as it is published: its class, arguments, weights in 16 bit, and how it was trained."""
    from fractions import Fraction

    import torch
    from demucs.htdemucs import HTDemucs

    stems = ["drums", "bass", "other", "vocals"]
    small = {"channels": 8, "t_layers": 1, "t_heads": 2, "bottom_channels": 16, "segment": Fraction(2)}
    with torch.random.fork_rng():
        torch.manual_seed(4)
        net = HTDemucs(stems, **small)
    state = {name: tensor.half() for name, tensor in net.state_dict().items()}
    said = {
        "klass": HTDemucs,
        "args": (stems,),
        "kwargs": small,
        "state": state,
        "training_args": {"epochs": 1},
    }
    file.parent.mkdir(parents=True)
    torch.save(said, file)


def make_t5(hub: Path, name: str) -> None:
    """A text encoder in the layout of the hub's cache."""
    import torch
    from transformers import T5Config, T5EncoderModel

    cached = hub / f"models--google-t5--{name}"
    folder = cached / "snapshots" / REVISION
    folder.mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(REVISION)
    tokenizer().save_pretrained(folder)
    config = T5Config(
        vocab_size=len(tokenizer()), d_model=T5_DIMS[name], d_kv=8, d_ff=16, num_layers=1, num_heads=2
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        T5EncoderModel(config).save_pretrained(folder, safe_serialization=True)


def tokenizer() -> Any:
    """A T5 tokenizer of 44 pieces, trained on a few lines."""
    import io

    import sentencepiece
    from transformers import T5Tokenizer

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS),
        model_writer=made,
        vocab_size=44,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    vocabulary = [(pieces.id_to_piece(at), pieces.get_score(at)) for at in range(pieces.get_piece_size())]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0)


def build(models: Path, hub: Path) -> None:
    """Every tiny checkpoint. Text encoders first: a language model cannot be built without its own."""
    from generation.engines.neural.audiocraft_models import quiet

    quiet()
    for name in T5_DIMS:
        make_t5(hub, name)
    for name, options in {
        "musicgen-small": {},
        "musicgen-melody": {"melody": True},
        "musicgen-stereo-small": {"stereo": True},
        "musicgen-stereo-melody": {"melody": True, "stereo": True},
    }.items():
        make_lm(models / name / "state_dict.bin", lm_config(**options))
        make_codec(models / name / "compression_state_dict.bin")
    make_lm(
        models / "audiogen-medium" / "state_dict.bin",
        lm_config(t5="t5-large", sample_rate=16_000, seconds=10),
    )
    make_codec(models / "audiogen-medium" / "compression_state_dict.bin", 16_000)


@pytest.fixture(scope="session")
def tiny_model_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(models folder, HF_HOME) with every tiny checkpoint. Read only: tests that spoil one copy it first."""
    base = tmp_path_factory.mktemp("tiny-models")
    models, home = base / "models", base / "hf"
    with pytest.MonkeyPatch.context() as patch:
        _point(patch, models, home)
        build(models, home / "hub")
    return models, home


@pytest.fixture
def tiny_models(tiny_model_folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The product finds the tiny checkpoints, and nothing else. Yields the models folder."""
    import torch

    from generation.engines.neural import warm

    torch.set_num_threads(
        1
    )  # these networks are too small to be worth a second one, and others want to work too
    # What they make has no tempo: it would be tried again to no end.
    monkeypatch.setattr("generation.engines.musicgen.engine.ROUNDS", 1)
    _point(monkeypatch, *tiny_model_folders)
    yield tiny_model_folders[0]
    warm.forget()


def _point(patch: pytest.MonkeyPatch, models: Path, home: Path) -> None:
    patch.setenv("STARFORGE_MODELS", str(models))
    patch.setenv("STARFORGE_DEVICE", "cpu")
    patch.setenv("HF_HOME", str(home))
    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.delenv("HF_HUB_CACHE", raising=False)
