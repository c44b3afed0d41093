"""Tokens out of audiocraft's language models: seeded, interruptible at every step, and never left in a bad state."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from generation.brief import Brief
from generation.engines.neural.audiocraft_models import Loaded
from generation.engines.neural.options import Option

OPTIONS = (
    Option("cfg", "Guidance", "number", 3.0, "How closely the words are followed. 3 is usual.", 1, 10),
    Option(
        "top_k", "Top k", "whole", 250, "How many sounds are considered at each step; 0 for all.", 0, 2048
    ),
    Option(
        "top_p", "Top p", "number", 0.0, "Above 0: only the likeliest sounds that make up this share.", 0, 1
    ),
)


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. top_k 0: from all of them. top_p above 0 takes the place of top_k.

    cfg: how much more the text counts than what the model would play without it.
    """

    temperature: float = 1.0
    top_k: int = 250
    top_p: float = 0.0
    cfg: float = 3.0

    @classmethod
    def of(cls, brief: Brief) -> Sampling:
        """As a prepared brief says, by the settings in OPTIONS."""
        asked = brief.options
        return cls(brief.temperature, int(asked["top_k"]), asked["top_p"], asked["cfg"])

    def to_json(self) -> dict[str, float | int]:
        return asdict(self)


@contextmanager
def seeded(seed: int, loaded: Loaded) -> Iterator[None]:
    """Torch's and Python's global generators from this seed; afterwards they are as they were."""
    import torch

    before = random.getstate()
    gpus = [torch.cuda.current_device()] if loaded.device.is_gpu else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed % 2**63)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before)


def sample(
    loaded: Loaded,
    attributes: list[Any],
    frames: int,
    sampling: Sampling,
    on_step: Callable[[int, int], None],
    prompt: Any = None,
) -> Any:
    """(batch, codebooks, frames) tokens that begin with `prompt`. on_step(done, of) is told each step; may raise."""
    net = loaded.net
    try:
        with net.autocast:
            return net.lm.generate(
                prompt,
                attributes,
                max_gen_len=frames,
                callback=on_step,
                use_sampling=True,
                temp=sampling.temperature,
                top_k=min(sampling.top_k, net.lm.card),
                top_p=sampling.top_p,
                cfg_coef=sampling.cfg,
                two_step_cfg=False,  # audiocraft 1.3.0 ignores the asked cfg in two steps
            )
    finally:
        # audiocraft's own way out is skipped when a step raises, and the next take would go on from this one's state.
        net.lm._set_streaming(False)
        net.lm.reset_streaming()
