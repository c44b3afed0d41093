"""EnCodec: sound as tokens and back, with the tokens of a recording kept for the next time."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from generation.engines.base import Cache, CorpusTrack
from generation.engines.neural.audiocraft_models import load_codec
from generation.engines.neural.hashing import weights_sha256
from generation.engines.neural.places import placed
from generation.engines.neural.sound import at_rate, from_rate

SECONDS_AT_ONCE = 60.0


class Codec:
    """name: `encodec-32khz`, or any model that carries a codec of its own.

    Raises EngineError where its weights are missing or damaged.
    """

    def __init__(self, name: str = "encodec-32khz", tick: Callable[[], None] = lambda: None) -> None:
        self.net: Any = load_codec(name, tick=tick)
        self._key = f"{name}-{weights_sha256(placed(name), tick)[:16]}"
        self._tick = tick

    @property
    def frame_rate(self) -> float:
        return float(self.net.frame_rate)

    def encoded(self, sound: np.ndarray) -> np.ndarray:
        """(2, n) float32 at 44.1 kHz -> (codebooks, frames) int16; long sound minute by minute."""
        import torch

        wave = torch.from_numpy(from_rate(sound, self.net.sample_rate, self.net.channels))
        device = next(iter(self.net.parameters())).device
        step = round(SECONDS_AT_ONCE * self.net.sample_rate)
        parts = []
        with torch.no_grad():
            for start in range(0, max(1, wave.shape[-1]), step):
                codes, _ = self.net.encode(wave[None, :, start : start + step].to(device))
                parts.append(codes[0].to("cpu", torch.int16).numpy())
                self._tick()
        return np.concatenate(parts, axis=1)

    def decoded(self, tokens: np.ndarray) -> np.ndarray:
        """(codebooks, frames) -> (2, n) float32 at 44.1 kHz."""
        import torch

        device = next(iter(self.net.parameters())).device
        codes = torch.from_numpy(tokens.astype(np.int64))[None].to(device)
        with torch.no_grad():
            sound = self.net.decode(codes, None)[0].float().cpu().numpy()
        return at_rate(sound, self.net.sample_rate)

    def tokens_of(self, track: CorpusTrack, cache: Cache | None) -> np.ndarray:
        """The tokens of a whole recording, from the cache where it has them."""
        name = f"tokens-{self._key}"
        if cache is not None and track.digest and (kept := cache.get(track.id, track.digest, name)):
            return np.asarray(np.load(io.BytesIO(kept), allow_pickle=False))
        tokens = self.encoded(track.load())
        if cache is not None and track.digest:
            out = io.BytesIO()
            np.save(out, tokens)
            cache.put(track.id, track.digest, name, out.getvalue())
        return tokens
