"""`make bench-gpu`: MusicGen's speed here, on random weights of the published sizes, beside stock audiocraft.

For each size: steps a second, seconds of computing for each second of audio (RTF), memory, a training step of an
adapter, and the floor that memory bandwidth sets: every step reads all weights and what was said before once. The
bandwidth is measured in the same run by copying. Random weights cost what trained ones do. The text encoder is tiny:
it runs once for each take.

`--tiny` runs the whole on tiny weights on the processor: to see that it works, not how fast.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# dim, heads, layers of the published models; card 2048, four codebooks
SIZES = {"small": (1024, 16, 24), "medium": (1536, 24, 48), "large": (2048, 32, 48)}
TINY = {"small": (32, 4, 2), "medium": (48, 4, 3), "large": (64, 4, 4)}
STEPS_A_SECOND = 50
PROMPT = "dark dubstep with ethnic percussion, 140 bpm"


@dataclass(frozen=True)
class Line:
    """One measured way of making audio. seconds: of audio, for each of `takes`."""

    size: str
    how: str
    takes: int
    seconds: float
    sampling: float
    decoding: float
    memory: int
    floor: float

    def __str__(self) -> str:
        total = self.sampling + self.decoding
        steps = self.seconds * STEPS_A_SECOND / self.sampling
        rtf, floor = total / (self.takes * self.seconds), self.floor / self.takes
        return (
            f"{self.size:<8}{self.how:<22}{self.takes:>6}{steps:>11.1f}{rtf:>10.4f}{floor:>10.4f}"
            f"{floor / rtf:>9.0%}{self.decoding:>10.2f}{self.memory / 2**20:>12,.0f}"
        )


HEAD = (
    f"{'size':<8}{'how':<22}{'takes':>6}{'steps/s':>11}{'RTF':>10}{'floor':>10}{'of it':>9}{'decode s':>10}"
    f"{'memory MiB':>12}"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-gpu", description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=f"of {', '.join(SIZES)} (default: all)")
    parser.add_argument("--tiny", action="store_true", help="tiny weights on the processor")
    parser.add_argument("--seconds", type=float, default=0.0, help="of audio (default: 30, tiny 0.5)")
    parser.add_argument("--takes", type=int, default=4, help="how many at once in the second measurement")
    parser.add_argument("--folder", help="where the weights are made (about 16 GB for all sizes); kept")
    asked = parser.parse_args()
    import torch

    if not asked.tiny and not torch.cuda.is_available():
        print(
            "torch finds no GPU on this machine, so there is nothing to measure here. Run it where nvidia-smi shows "
            "one, or see it work on tiny weights: make bench-gpu ARGS=--tiny"
        )
        return 1
    for size in asked.sizes:
        if size not in SIZES:
            parser.error(f"there is no size {size}")
    with tempfile.TemporaryDirectory(prefix="starforge-gpu-") as temporary:
        folder = Path(asked.folder or temporary)
        point(folder, "cpu" if asked.tiny else "cuda")
        bandwidth = measured_bandwidth("cpu" if asked.tiny else "cuda")
        device = "the processor, tiny weights" if asked.tiny else torch.cuda.get_device_name()
        print(
            f"{device}, torch {torch.__version__}, {bandwidth / 1e12:.3f} TB/s measured by copying\n",
            flush=True,
        )
        seconds = asked.seconds or (0.5 if asked.tiny else 30.0)
        lines, notes = [], []
        for size in asked.sizes or SIZES:
            weights(folder, size, tiny=asked.tiny)
            print(f"… {size}", flush=True)
            found, said = measure(size, seconds, asked.takes, bandwidth, folder)
            lines, notes = [*lines, *found], [*notes, said]
            if not asked.folder:
                shutil.rmtree(folder / "models" / f"musicgen-{size}")
    print(f"\n{HEAD}")
    for line in lines:
        print(line)
    print()
    for note in notes:
        print(note)
    return 0


# --- weights ----------------------------------------------------------------------------------------


def point(folder: Path, device: str) -> None:
    """The product, audiocraft and transformers look for weights in this folder and nowhere else."""
    os.environ |= {
        "STARFORGE_MODELS": str(folder / "models"),
        "STARFORGE_DEVICE": device,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    os.environ.pop("HF_HUB_CACHE", None)


def weights(folder: Path, size: str, *, tiny: bool) -> None:
    """A checkpoint of this size with random weights, in 16 bit as the published ones are."""
    import torch
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    from generation.engines.neural.audiocraft_models import _local_parts
    from generation.engines.neural.catalogue import MODELS
    from generation.engines.neural.places import Place
    from tests.generation import tiny_models

    hub, home = folder / "hf" / "hub", folder / "models" / f"musicgen-{size}"
    if not hub.exists():
        tiny_models.make_t5(hub, "t5-base")
        # Stock audiocraft asks for it by its old name.
        shutil.copytree(hub / "models--google-t5--t5-base", hub / "models--t5-base", symlinks=True)
    if (home / "state_dict.bin").is_file():
        return
    dim, heads, layers = (TINY if tiny else SIZES)[size]
    config, codec = tiny_models.lm_config(), tiny_models.codec_config()
    config["transformer_lm"] |= {"dim": dim, "num_heads": heads, "num_layers": layers}
    if not tiny:
        config["transformer_lm"]["card"] = codec["rvq"]["bins"] = 2048
        codec["seanet"] |= {"dimension": 128, "n_filters": 64, "lstm": 2}
    device = os.environ["STARFORGE_DEVICE"]
    kind = torch.float32 if tiny else torch.float16
    with _local_parts(Place(MODELS[f"musicgen-{size}"], home, {})):
        made = OmegaConf.create({**config, "device": device})
        del made.conditioners.args
        state = {k: v.to("cpu", kind) for k, v in builders.get_lm_model(made).state_dict().items()}
    tiny_models.save(home / "state_dict.bin", config, state)
    net = builders.get_compression_model(OmegaConf.create({**codec, "device": device}))
    state = {
        k: (torch.randn_like(v) if k.endswith(".embed") else v).cpu() for k, v in net.state_dict().items()
    }
    tiny_models.save(home / "compression_state_dict.bin", codec, state)


# --- measuring --------------------------------------------------------------------------------------


def measured_bandwidth(device: str) -> float:
    """Bytes read and written each second while one half of a large buffer is copied to another."""
    import torch

    count = 2**26 if device == "cpu" else 2**30
    source, target = (torch.zeros(count, dtype=torch.uint8, device=device) for _ in "ab")
    best = min(timed(lambda: target.copy_(source)) for _ in range(5))
    return 2 * count / best


def timed(work: Callable[[], Any]) -> float:
    import torch

    sync = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    sync()
    began = time.perf_counter()
    work()
    sync()
    return time.perf_counter() - began


def floor(lm: Any, seconds: float, takes: int, bandwidth: float) -> float:
    """Seconds of memory traffic for each second of audio of all takes together.

    Every step reads the weights once (those of keys and values of the text only once for all steps) and the cache of
    keys and values, half full on average, for two rows of each take.
    """
    layers = len(lm.transformer.layers)
    size = next(lm.transformer.parameters()).element_size()
    read = sum(part.numel() for part in [*lm.transformer.parameters(), *lm.linears.parameters()])
    read -= layers * 2 * lm.dim * lm.dim
    cache = layers * 2 * lm.dim * (seconds * STEPS_A_SECOND / 2) * 2 * takes
    return STEPS_A_SECOND * size * (read + cache) / bandwidth


def peak(reset: bool = False) -> int:
    """Most memory in use: of the GPU since the last reset, else of this process since it began."""
    import torch

    if torch.cuda.is_available() and os.environ["STARFORGE_DEVICE"] == "cuda":
        found = torch.cuda.max_memory_allocated()
        if reset:
            torch.cuda.reset_peak_memory_stats()
        return int(found)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(size: str, seconds: float, takes: int, bandwidth: float, folder: Path) -> tuple[list[Line], str]:
    """Each way after another, so that none finds less room than the one before."""
    from generation.engines.neural import warm

    ours, loading = played(size, seconds, takes, bandwidth)
    warm.forget()
    learning = training(f"musicgen-{size}", min(seconds, 30.0))
    warm.forget()
    stock = played_by_stock(size, seconds, ours[0].floor, folder)
    warm.forget()
    return [*ours, stock], f"{size}: loaded and hashed in {loading:.1f} s; {learning}"


def played(size: str, seconds: float, takes: int, bandwidth: float) -> tuple[list[Line], float]:
    """The product: one take, then several at once; and how many seconds loading took."""
    import torch

    from generation.engines.neural.audiocraft_models import load
    from generation.engines.neural.sampling import Sampling, sample, seeded

    began = time.perf_counter()
    loaded = load(f"musicgen-{size}")
    loading, net, kept = time.perf_counter() - began, loaded.net, []

    def play(count: int, length: int) -> None:
        with seeded(1, loaded), torch.no_grad():
            attributes, _ = net._prepare_tokens_and_attributes([PROMPT] * count, None)
            kept[:] = [sample(loaded, attributes, length, Sampling(), lambda *_: None)]

    def decode() -> None:
        with torch.no_grad():
            net.generate_audio(kept[0])

    found = []
    for count in dict.fromkeys((1, takes)):
        play(count, 20)  # what is set up once
        peak(reset=True)
        sampling = timed(partial(play, count, round(seconds * STEPS_A_SECOND)))
        decoding = timed(decode)
        limit = floor(net.lm, seconds, count, bandwidth)
        found.append(Line(size, "Starforge", count, seconds, sampling, decoding, peak(), limit))
    return found, loading


def played_by_stock(size: str, seconds: float, limit: float, folder: Path) -> Line:
    """audiocraft as it comes, on the same weights."""
    import torch
    from audiocraft.models import MusicGen as Stock

    stock = Stock.get_pretrained(str(folder / "models" / f"musicgen-{size}"), os.environ["STARFORGE_DEVICE"])
    stock.set_generation_params(duration=0.4, top_k=min(250, stock.lm.card))
    stock.generate([PROMPT])
    stock.set_generation_params(duration=seconds, top_k=min(250, stock.lm.card))
    peak(reset=True)
    kept: list[Any] = []
    with torch.no_grad():
        attributes, _ = stock._prepare_tokens_and_attributes([PROMPT], None)
        sampling = timed(lambda: kept.append(stock._generate_tokens(attributes, None)))
        decoding = timed(lambda: stock.generate_audio(kept[0]))
    return Line(size, "stock audiocraft", 1, seconds, sampling, decoding, peak(), limit)


def training(name: str, seconds: float) -> str:
    """An adapter's training step and how long it takes to put one on, in words."""
    from dataclasses import replace

    import numpy as np

    from generation.engines.neural import devices
    from generation.engines.neural.audiocraft_models import load
    from generation.training import lora
    from generation.training.recipe import Recipe
    from generation.training.tokens import Example
    from generation.training.trainer import Trainer

    loaded = load(name, replace(devices.chosen(), half=False))
    lm, rng = loaded.net.lm, np.random.default_rng(0)
    frames = round(seconds * STEPS_A_SECOND)
    examples = [
        Example(str(n), rng.integers(0, lm.card, (lm.n_q, frames)).astype(np.uint16), PROMPT)
        for n in range(4)
    ]
    peak(reset=True)
    with lora.injected(lm, Recipe(batch=1)) as factors:
        trainer = Trainer(lm, factors, examples, examples[:1], Recipe(batch=1))
        trainer.one_step()
        step = min(timed(trainer.one_step) for _ in range(3))
        learned, memory = lora.copied(lm), peak()

    def put_on() -> None:
        with lora.applied(lm, learned, 1.0):
            pass

    on = timed(put_on)
    return (
        f"training step of an adapter (one chunk of {seconds:.0f} s) {step:.3f} s, {memory / 2**20:,.0f} MiB; "
        f"put on and off {on:.2f} s"
    )


if __name__ == "__main__":
    raise SystemExit(main())
