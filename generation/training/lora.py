"""Low-rank factors beside the frozen weights of audiocraft's language model: put in by peft, and out again.

audiocraft packs queries, keys and values into one bare parameter, `in_proj_weight`, which peft reaches only by
`target_parameters`. What is trained is taken out under the names of the weights it adds to: `<weight>.lora_A`
(rank, in) and `<weight>.lora_B` (out, rank).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from generation.training.recipe import Recipe

MODULES = ("out_proj", "linear1", "linear2")
PARAMETERS = ("in_proj_weight",)
NAME = "starforge"


class Mismatch(ValueError):
    """Factors that do not belong to this model."""


@contextmanager
def injected(lm: Any, recipe: Recipe) -> Iterator[list[Any]]:
    """Inside, the model has trainable factors, and only they are; yields them. Afterwards it is as it was.

    The factors start from the recipe's seed; those on the left are zero, so that nothing sounds different yet.
    """
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    trainable = {name: part.requires_grad for name, part in lm.named_parameters()}
    training = lm.training
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type]  # a float works as well
        target_modules=list(MODULES),
        target_parameters=list(PARAMETERS),
        lora_dropout=0.0,
        bias="none",
    )
    try:
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            inject_adapter_in_model(config, lm, adapter_name=NAME)
        factors = [part for _, part in sorted(parts(lm).items())]
        for factor in factors:
            factor.data = factor.data.float()
        yield factors
    finally:
        _remove(lm)
        for attribute in ("peft_config", "active_adapter"):
            lm.__dict__.pop(attribute, None)
        for name, part in lm.named_parameters():
            part.requires_grad_(trainable[name])
            part.grad = None
        lm.train(training)


def parts(lm: Any) -> dict[str, Any]:
    """The factors inside the model by name, as the parameters they are."""
    from peft.tuners.lora.layer import LoraLayer

    found = {}
    for path, module in lm.named_modules():
        if not isinstance(module, LoraLayer):
            continue
        at = ".".join(part for part in path.split(".") if part != "base_layer")
        weight = f"{at}.{getattr(module, 'parameter_name', 'weight')}"
        found[f"{weight}.lora_A"] = module.lora_A[NAME].weight
        found[f"{weight}.lora_B"] = module.lora_B[NAME].weight
    return found


def copied(lm: Any) -> dict[str, Any]:
    """The factors as tensors of their own on the processor, which training leaves alone."""
    return {name: part.detach().to("cpu", copy=True).contiguous() for name, part in sorted(parts(lm).items())}


def put_back(lm: Any, factors: Mapping[str, Any]) -> None:
    """Set the factors inside the model to these. Raises Mismatch."""
    import torch

    inside = parts(lm)
    if set(inside) != set(factors) or any(inside[name].shape != factors[name].shape for name in inside):
        raise Mismatch("These factors are of another model or another rank.")
    with torch.no_grad():
        for name, part in inside.items():
            part.copy_(factors[name])


def _remove(module: Any) -> None:
    """Put every wrapped layer back where its wrapper stands."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, child in list(module.named_children()):
        while isinstance(child, BaseTunerLayer):
            child = child.base_layer  # type: ignore[attr-defined]  # its subclasses have it
            setattr(module, name, child)
        _remove(child)


@contextmanager
def applied(lm: Any, factors: Mapping[str, Any], scale: float) -> Iterator[None]:
    """Inside, every weight W is W + scale · B A; afterwards it is what it was, to the bit. scale 0 changes nothing.

    Added into the weights, so generating costs no more than without. Raises Mismatch.
    """
    import torch

    weights = {name.removesuffix(".lora_A") for name in factors if name.endswith(".lora_A")}
    inside = dict(lm.named_parameters())
    for name in weights:
        a, b = factors[f"{name}.lora_A"], factors.get(f"{name}.lora_B")
        weight = inside.get(name)
        if (
            weight is None
            or b is None
            or tuple(weight.shape) != (b.shape[0], a.shape[1])
            or a.shape[0] != b.shape[1]
        ):
            raise Mismatch("These factors are of another model.")
    if scale == 0:
        yield
        return
    # The originals wait on the processor: a model that just fits on a GPU still does.
    originals = {name: inside[name].detach().to("cpu", copy=True) for name in weights}
    try:
        with torch.no_grad():
            for name in sorted(weights):
                weight = inside[name]
                a, b = (factors[f"{name}.lora_{side}"].to(weight.device, torch.float32) for side in "AB")
                weight.copy_((weight.float() + scale * (b @ a)).to(weight.dtype))
        yield
    finally:
        with torch.no_grad():
            for name, original in originals.items():
                inside[name].copy_(original)
