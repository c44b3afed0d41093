"""One model at work on one take: a first stretch in several tries at once, and everything after it window by window.

audiocraft's own long generation knows one text, continues without the melody, and counts its progress per window; so
the loop is ours. What was played before is handed on as tokens: there is no seam in the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from generation.engines.neural.audiocraft_models import Loaded
from generation.engines.neural.sampling import Sampling, sample, seeded
from generation.engines.neural.sound import at_rate, from_rate

OnStep = Callable[[int], None]


class Player:
    """melody: (2, n) float32 at 44.1 kHz that a melody model follows; goes round where the take is longer.
    prompt: the same, that the music goes on from; it is not in the take.
    """

    def __init__(
        self,
        loaded: Loaded,
        sampling: Sampling,
        *,
        melody: np.ndarray | None = None,
        prompt: np.ndarray | None = None,
    ) -> None:
        import torch

        self.loaded, self.net, self.sampling = loaded, loaded.net, sampling
        self._melody = None if melody is None else self._tensor(melody)
        self._prompt = None
        if prompt is not None:
            with torch.no_grad():
                self._prompt, _ = self.net.compression_model.encode(self._tensor(prompt)[None])

    @property
    def frame_rate(self) -> float:
        return float(self.net.frame_rate)

    @property
    def longest(self) -> int:
        """Frames the model makes in one go, a prompt included."""
        return int(self.net.max_duration * self.frame_rate)

    @property
    def prompt_frames(self) -> int:
        return 0 if self._prompt is None else int(self._prompt.shape[-1])

    def first(self, texts: Sequence[str], frames: int, seed: int, on_step: OnStep) -> Any:
        """(tries, codebooks, frames) tokens: one try for each text, all in one go. The prompt is cut off."""
        prompt = None
        if self._prompt is not None:
            prompt = self._prompt.expand(len(texts), -1, -1).contiguous()
        with seeded(seed, self.loaded):
            tokens = sample(
                self.loaded,
                self._attributes(texts, 0),
                min(frames + self.prompt_frames, self.longest),
                self.sampling,
                lambda done, _: on_step(done),
                prompt,
            )
        return tokens[..., self.prompt_frames :]

    def go_on(self, tokens: Any, text: str, context: int, frames: int, seed: int, on_step: OnStep) -> Any:
        """(1, codebooks, T) tokens and `frames` more, in the light of the last `context` of them."""
        import torch

        at = tokens.shape[-1] - context
        with seeded(seed, self.loaded):
            more = sample(
                self.loaded,
                self._attributes([text], at),
                context + frames,
                self.sampling,
                lambda done, _: on_step(done),
                tokens[..., at:],
            )
        return torch.cat([tokens, more[..., context:]], dim=-1)

    def heard(self, tokens: Any) -> np.ndarray:
        """(1, codebooks, T) tokens as (2, n) float32 at 44.1 kHz."""
        import torch

        with torch.no_grad():
            sound = self.net.generate_audio(tokens)[0].float().cpu().numpy()
        return at_rate(sound, self.net.sample_rate)

    def _attributes(self, texts: Sequence[str], frame: int) -> list[Any]:
        more: list[Any] = []  # AudioGen knows no melodies at all
        if self._melody is not None:
            # As much as the model was trained to look ahead, from where in the melody this stretch begins.
            count = int(self.net.max_duration * self.net.sample_rate)
            at = int(frame / self.frame_rate * self.net.sample_rate)
            turned = self._melody[..., (at + np.arange(count)) % self._melody.shape[-1]]
            more.append([turned for _ in texts])
        attributes, _ = self.net._prepare_tokens_and_attributes(list(texts), None, *more)
        return list(attributes)

    def _tensor(self, sound: np.ndarray) -> Any:
        import torch

        made = from_rate(sound, self.net.sample_rate, self.net.audio_channels)
        return torch.from_numpy(made).to(self.net.device)
