"""Steps, validation and early stop. Everything random in a step is drawn from the seed and the step's number alone,
so a training that was stopped anywhere goes on as if it never was.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from generation.training import lora
from generation.training.errors import TrainingError
from generation.training.recipe import Recipe
from generation.training.tokens import Example

POINTS = 200  # of the training curve
LONGEST_VALIDATION = 64  # chunks


@dataclass
class Curves:
    """(step, mean loss since the point before) of training, (step, loss) of validation; losses in nats a token."""

    train: list[tuple[int, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)

    def to_json(self) -> dict[str, list[list[float]]]:
        return {
            "train": [[step, round(loss, 5)] for step, loss in self.train],
            "validation": [[step, round(loss, 5)] for step, loss in self.validation],
        }


class Trainer:
    """One training over examples, on a model whose factors are `injected`.

    device: of the model; on a GPU that can, the arithmetic is bfloat16 while factors and optimizer stay float32.
    """

    def __init__(
        self,
        lm: Any,
        factors: list[Any],
        train: Sequence[Example],
        held_out: Sequence[Example],
        recipe: Recipe,
    ) -> None:
        import torch

        if not train or not held_out:
            raise TrainingError("There is too little sound in these tracks to train on and to test with.")
        self.lm, self.factors, self.recipe = lm, factors, recipe
        self.train, self.held_out = list(train), list(held_out)[:LONGEST_VALIDATION]
        self.device = factors[0].device
        self.optimizer = torch.optim.AdamW(
            factors, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=False
        )
        self.step, self.stale, self.stopped_early = 0, 0, False
        self.best: dict[str, Any] = {}
        self.curves = Curves()
        self._recent: list[float] = []

    @property
    def finished(self) -> bool:
        return bool(self.curves.validation) and (self.stopped_early or self.step >= self.recipe.steps)

    @property
    def best_loss(self) -> float:
        return float(self.best.get("loss", math.inf))

    def run(self, on_step: Callable[[], None], pause: Callable[[], bool]) -> bool:
        """Train until it is finished (True) or `pause` says so after a step (False). on_step may raise to stop."""
        if not self.curves.validation:
            self._validated()
            on_step()
        while not self.finished:
            self.one_step()
            if self.step % self.recipe.validate_every == 0 or self.step >= self.recipe.steps:
                self._validated()
            on_step()
            if not self.finished and pause():
                return False
        return True

    def one_step(self) -> float:
        import torch

        drawn = np.random.default_rng([self.recipe.seed, 11, self.step])
        few = len(self.train) < self.recipe.batch
        chosen = drawn.choice(len(self.train), size=self.recipe.batch, replace=few)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        self.lm.train()
        with self._chance():
            loss = self._loss([self.train[place] for place in chosen])
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"The training became unstable at step {self.step + 1}: its loss is no number any more. "
                "Start again with a lower learning rate."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.factors, self.recipe.clip)
        self.optimizer.step()
        self.step += 1
        self._recent.append(value)
        if self.step % max(1, self.recipe.steps // POINTS) == 0:
            self.curves.train.append((self.step, sum(self._recent) / len(self._recent)))
            self._recent = []
        return value

    def validate(self) -> float:
        """The mean loss over the tracks that are kept apart."""
        import torch

        self.lm.eval()
        total, count = 0.0, 0
        with torch.no_grad(), self._chance():
            for first in range(0, len(self.held_out), self.recipe.batch):
                batch = self.held_out[first : first + self.recipe.batch]
                total += float(self._loss(batch)) * len(batch)
                count += len(batch)
        return total / count

    def _validated(self) -> None:
        loss = self.validate()
        self.curves.validation.append((self.step, loss))
        if loss < self.best_loss:
            self.best = {"step": self.step, "loss": loss, "factors": lora.copied(self.lm)}
            self.stale = 0
        else:
            self.stale += 1
            self.stopped_early = self.stale >= self.recipe.patience and self.step < self.recipe.steps

    def _loss(self, batch: Sequence[Example]) -> Any:
        """Cross-entropy over what the pattern of codebooks lets be predicted; each codebook counts the same."""
        import torch

        codes, real = _stacked(batch, self.lm.special_token_id, self.device)
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=_bfloat16(self.device)):
            out = self.lm.compute_predictions(codes, [_attributes(self.lm, one.caption) for one in batch])
        mask = out.mask & real
        losses = [
            torch.nn.functional.cross_entropy(
                out.logits[:, book][mask[:, book]].float(), codes[:, book][mask[:, book]]
            )
            for book in range(codes.shape[1])
        ]
        return torch.stack(losses).mean()

    @contextmanager
    def _chance(self) -> Iterator[None]:
        """Every generator that audiocraft draws from in a step, set by seed and step; others are left as they were."""
        import torch

        seed = int(np.random.default_rng([self.recipe.seed, 13, self.step]).integers(2**31))
        before = random.getstate()
        gpus = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus):
            torch.manual_seed(seed)
            random.seed(seed)
            for dropout in (self.lm.cfg_dropout, self.lm.att_dropout):
                dropout.rng.manual_seed(seed)
            try:
                yield
            finally:
                random.setstate(before)

    # --- to go on from ------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that a training goes on from: plain values and tensors only."""
        return {
            "step": self.step,
            "stale": self.stale,
            "stopped_early": self.stopped_early,
            "recent": list(self._recent),
            "train": [list(point) for point in self.curves.train],
            "validation": [list(point) for point in self.curves.validation],
            "best": copy.copy(self.best),
            "factors": lora.copied(self.lm),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError for a state of another training."""
        lora.put_back(self.lm, state["factors"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.stale = int(state["step"]), int(state["stale"])
        self.stopped_early = bool(state["stopped_early"])
        self._recent = [float(value) for value in state["recent"]]
        self.curves = Curves(
            [(int(step), float(loss)) for step, loss in state["train"]],
            [(int(step), float(loss)) for step, loss in state["validation"]],
        )
        self.best = dict(state["best"])


def _stacked(batch: Sequence[Example], pad: int, device: Any) -> tuple[Any, Any]:
    """(batch, codebooks, frames) codes, the shorter ones filled up with `pad`; and which of them are real."""
    import torch

    longest = max(one.codes.shape[1] for one in batch)
    codes = np.full((len(batch), batch[0].codes.shape[0], longest), pad, dtype=np.int64)
    for row, one in enumerate(batch):
        codes[row, :, : one.codes.shape[1]] = one.codes
    found = torch.from_numpy(codes).to(device)
    return found, found != pad


def _attributes(lm: Any, caption: str) -> Any:
    """The conditions of one example; a melody model learns without a melody, as it does for a part of its training."""
    import torch
    from audiocraft.modules.conditioners import ConditioningAttributes, WavCondition

    made = ConditioningAttributes(text={"description": caption})
    if "self_wav" in lm.condition_provider.conditioners:
        nothing = torch.zeros((1, 1, 1), device=next(lm.parameters()).device)
        made.wav["self_wav"] = WavCondition(
            nothing, torch.tensor([0], device=nothing.device), sample_rate=[32_000], path=[None]
        )
    return made


def _bfloat16(device: Any) -> bool:
    import torch

    return device.type == "cuda" and torch.cuda.is_bf16_supported()
