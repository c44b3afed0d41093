"""Demucs, where its weights are on this machine: for melody models, and to take a finished sound apart.

audiocraft removes drums and bass from a melody with Demucs before it listens for the notes, and would fetch it by
itself. Without its weights the references are separated by our own split before the model gets them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from generation.engines.base import EngineError
from generation.engines.neural import devices, warm
from generation.engines.neural.places import damaged, place_of, placed

DEMUCS = "htdemucs"
SAMPLE_RATE = 44_100


def is_here() -> bool:
    return place_of(DEMUCS) is not None


def separator_for_conditioner(name: str = DEMUCS) -> Any:
    """What stands where audiocraft asks for Demucs: it, or something that only says which stems there would be."""
    return demucs() if is_here() else _stand_in()


def demucs() -> Any:
    """The network itself, in 32 bit on the chosen device. Raises EngineError when its file is damaged."""
    device = devices.chosen()
    place = placed(DEMUCS)
    file = place.file(place.model.files[0])
    stat = file.stat()
    return warm.model(
        (DEMUCS, stat.st_size, stat.st_mtime_ns, device),
        _load,
        lambda net: sum(one.numel() * one.element_size() for one in net.parameters()),
        devices.room(device),
    ).to(device.name)


def separated(mix: np.ndarray, tick: Callable[[], None]) -> dict[str, np.ndarray] | None:
    """(2, n) float32 at 44.1 kHz by Demucs' stems: drums, bass, other, vocals. None without its weights."""
    if not is_here():
        return None
    import torch
    from demucs.apply import apply_model

    net = demucs()
    device = devices.chosen()
    segment = int(float(net.segment) * net.samplerate)
    made = []
    with torch.no_grad(), devices.readable_failures("Make the take shorter."):
        sound = torch.from_numpy(np.ascontiguousarray(mix))
        level = sound.std() + 1e-8
        # In pieces of a few of its segments, so that a cancel is heard in between.
        for start in range(0, sound.shape[-1], 4 * segment):
            tick()
            low = max(0, start - segment // 2)
            piece = sound[None, :, low : start + 4 * segment + segment // 2] / level
            stems = apply_model(net, piece, device=device.name, shifts=0, split=True, overlap=0.25)[0] * level
            made.append(stems[..., start - low : start - low + 4 * segment].cpu().numpy())
    whole = np.concatenate(made, axis=-1)[..., : mix.shape[1]]
    return {name: np.asarray(whole[at], dtype=np.float32) for at, name in enumerate(net.sources)}


def take_as_is(conditioner: Any) -> None:
    """Let a melody model hear what it is given: it was separated before."""
    from audiocraft.data.audio_utils import convert_audio

    def mono(wav: Any, sample_rate: int) -> Any:
        return convert_audio(wav, sample_rate, conditioner.sample_rate, 1)

    conditioner._get_stemmed_wav = mono


def _load() -> Any:
    """Demucs' file names the class it was made from; that class and plain values are all it may name."""
    from fractions import Fraction

    import torch
    from demucs.htdemucs import HTDemucs

    place = placed(DEMUCS)
    file = place.model.files[0]
    try:
        with torch.serialization.safe_globals([HTDemucs, Fraction]):
            found = torch.load(place.file(file), map_location="cpu", weights_only=True)
        net = HTDemucs(*found["args"], **found["kwargs"])
        net.load_state_dict({name: tensor.float() for name, tensor in found["state"].items()})
    except EngineError:
        raise
    except Exception as error:
        raise damaged(DEMUCS, file, "it cannot be read") from error
    return net.eval()


def _stand_in() -> Any:
    import torch

    class StandIn(torch.nn.Module):
        sources = ("drums", "bass", "other", "vocals")
        samplerate = SAMPLE_RATE
        audio_channels = 2

    return StandIn()
