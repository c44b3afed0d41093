"""The audio part of Stability AI's REST API, version v2beta: `/v2beta/audio/stable-audio-2/{text,audio}-to-audio`.

A request is a form (multipart) with `prompt`, `model`, `duration`, `seed`, `steps`, `cfg_scale`, `output_format`, and
for audio-to-audio `audio` and `strength`; the key goes as `Authorization: Bearer`. With `Accept: audio/*` the answer
is the sound itself, with `finish-reason` and `seed` among its headers; an error is `{id, name, errors: [...]}`.
Only a success is charged. So a refusal that passes is asked again, and what may have been a success never is.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlsplit

from generation.engines.base import EngineError

MODEL = "stable-audio-2.5"
CREDITS = 20  # for each success with this model, whatever its length
DOLLARS_EACH = 0.01
SECONDS = (1, 190)
REFERENCE_SECONDS = (6.0, 190.0)
STEPS = 8
GUIDANCE = 1.0
SEEDS = 4_294_967_294  # 0 asks for a random one
LONGEST_PROMPT = 10_000
MOST_BYTES = 80 * 2**20  # 190 s of 16-bit WAV are 34 MB
CONNECT, READ = 10.0, 180.0  # seconds
TRIES = 4
WAITS = (2.0, 6.0, 15.0)
LONGEST_WAIT = 60.0
PASSING = (429, 500, 502, 503)  # answered before anything was made; 504 may come after
ACCOUNT = "https://platform.stability.ai/account/keys"
CREDIT_PAGE = "https://platform.stability.ai/account/credits"
_NEVER_CONNECTED = (
    "NewConnectionError",
    "NameResolutionError",
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
    "HANDSHAKE_FAILURE",
)


@dataclass(frozen=True)
class Order:
    """What is bought. audio: a reference as WAV or MP3 bytes, or b"". strength: 0.01 keeps it, 1 forgets it."""

    prompt: str
    seconds: int
    seed: int
    audio: bytes = b""
    strength: float = 1.0
    model: str = MODEL

    def form(self) -> dict[str, str]:
        said = {
            "prompt": self.prompt[:LONGEST_PROMPT],
            "model": self.model,
            "duration": str(self.seconds),
            "seed": str(self.seed),
            "steps": str(STEPS),
            "cfg_scale": f"{GUIDANCE:g}",
            "output_format": "wav",
        }
        if self.audio:
            said["strength"] = f"{self.strength:.2f}"
        return said


@dataclass(frozen=True)
class Service:
    """The API at `base`. wait: sleeps between tries."""

    base: str
    key: str
    wait: Callable[[float], None] = time.sleep
    timeouts: tuple[float, float] = field(default=(CONNECT, READ))

    def buy(self, order: Order, into: IO[bytes]) -> int:
        """Write the sound into `into`; answers the seed it was made with. Raises EngineError with a sentence."""
        import requests

        kind = "audio-to-audio" if order.audio else "text-to-audio"
        files: dict[str, Any] = {name: (None, value) for name, value in order.form().items()}
        if order.audio:
            files["audio"] = ("reference.mp3", order.audio, "audio/mpeg")
        for number in range(TRIES):
            last = number == TRIES - 1
            try:
                answer = requests.post(
                    f"{self.base}/v2beta/audio/stable-audio-2/{kind}",
                    headers={"Authorization": f"Bearer {self.key}", "Accept": "audio/*"},
                    files=files,
                    timeout=self.timeouts,
                    stream=True,
                    allow_redirects=False,
                )
            except requests.ConnectTimeout as error:
                if last:
                    raise self._unreachable() from error
                self.wait(WAITS[number])
                continue
            except requests.ReadTimeout as error:
                raise _unsure("did not answer in time") from error
            except requests.ConnectionError as error:
                if _was_sent(error):
                    raise _unsure("cut the connection") from error
                if last:
                    raise self._unreachable() from error
                self.wait(WAITS[number])
                continue
            with answer:
                if answer.status_code in PASSING and not last:
                    self.wait(_asked_to_wait(answer) or WAITS[number])
                    continue
                if answer.status_code != 200:
                    raise _refused(answer)
                return _kept(answer, order, into)
        raise self._unreachable()

    def _unreachable(self) -> EngineError:
        return EngineError(
            f"{urlsplit(self.base).netloc} could not be reached. Nothing was charged. Try again later, or choose an "
            "engine that works on this machine."
        )


def _kept(answer: Any, order: Order, into: IO[bytes]) -> int:
    import requests

    reason = answer.headers.get("finish-reason", "SUCCESS")
    if reason != "SUCCESS":
        raise _filtered()
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not kind.startswith("audio/") and kind != "application/octet-stream":
        raise EngineError(
            f"The Stability API answered with {kind or 'something without a name'} instead of sound. It may have been "
            f"charged; see {CREDIT_PAGE}."
        )
    size = 0
    try:
        for piece in answer.iter_content(65_536):
            size += len(piece)
            if size > MOST_BYTES:
                raise EngineError("The Stability API sent more sound than was asked for; it was thrown away.")
            into.write(piece)
    except requests.RequestException as error:
        raise _unsure("cut the connection in the middle of the sound") from error
    promised = answer.headers.get("Content-Length")
    if promised and promised.isdigit() and size < int(promised):
        raise _unsure("cut the connection in the middle of the sound")
    seed = answer.headers.get("seed", "")
    return int(seed) if seed.isdigit() and int(seed) <= SEEDS else order.seed


def _refused(answer: Any) -> EngineError:
    """The error in an answer as a sentence with what to do. What they say is shown, within limits."""
    status, said = answer.status_code, ""
    with contextlib.suppress(Exception):
        body = json.loads(answer.raw.read(65_536, decode_content=True))
        said = " ".join(str(one) for one in body.get("errors", []))[:300]
        if body.get("name") == "content_moderation":
            return _filtered()
    if status == 401:
        return EngineError(
            f"Stability AI does not know the key in STARFORGE_STABILITY_KEY. Make one at {ACCOUNT}."
        )
    if status == 402 or "credit" in said.lower():
        return EngineError(f"The Stability account has too few credits for this. Buy some at {CREDIT_PAGE}.")
    if status == 403:
        return EngineError(
            f"Stability AI refused this request (403). {said or 'Change the prompt and try again.'}"
        )
    if status == 413:
        return EngineError("The reference is too large for the Stability API. Choose fewer bars of it.")
    if status == 429:
        return EngineError(
            "Stability AI takes no more requests for the moment. Nothing was charged; try in a minute."
        )
    if status in (400, 422):
        return EngineError(f"Stability AI cannot make this request: {said or 'it does not say why'}.")
    if status == 504:
        return _unsure("gave up waiting for its own machines")
    return EngineError(
        f"Stability AI failed ({status}){': ' + said if said else ''}. Nothing was charged; try again later."
    )


def _filtered() -> EngineError:
    return EngineError(
        "Stability AI's content filter refused the prompt or the reference. Nothing was charged. Use other words, and "
        "no names of artists."
    )


def _unsure(what: str) -> EngineError:
    """After a request was sent and before its sound was here: asking again might pay twice, so a person decides."""
    return EngineError(
        f"Stability AI {what}. Whether it was charged is not known here: see {CREDIT_PAGE} before you try again."
    )


def _asked_to_wait(answer: Any) -> float:
    said = answer.headers.get("Retry-After", "")
    return min(LONGEST_WAIT, float(said)) if said.isdigit() else 0.0


def _was_sent(error: Exception) -> bool:
    """False when no connection came about: an unknown name, a closed port, no agreement on TLS."""
    return not any(word in repr(error) for word in _NEVER_CONNECTED)
