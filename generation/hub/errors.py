"""What can go wrong on the way from a hub, as sentences with their remedy."""

from __future__ import annotations

from pathlib import Path

TOKENS = "https://huggingface.co/settings/tokens"


class FetchError(Exception):
    """Nothing was put in place. The message is for the person who asked; what has come so far is kept to go on."""


class NoSpace(FetchError):
    def __init__(self, needed: int, free: int, folder: Path) -> None:
        self.needed, self.free = needed, free
        super().__init__(
            f"There is not enough room: {size(needed)} are needed and {size(free)} are free in {folder}. Free some, "
            "or name another folder with STARFORGE_MODELS, and run the same command again: it goes on from here."
        )


class Gated(FetchError):
    """The hub gives this repository only to accounts that accepted its licence."""

    def __init__(self, page: str, *, status: int, with_token: bool) -> None:
        if not with_token:
            remedy = (
                f"Log in at {page}, accept the licence there, make a read token at {TOKENS} and run the command "
                "again with HF_TOKEN set to it."
            )
        elif status == 401:
            remedy = f"The hub does not know the token in HF_TOKEN. Make a new read token at {TOKENS}."
        else:
            remedy = (
                f"The account of the token in HF_TOKEN may not read it: accept the licence at {page} with that "
                "account, and see that the token may read gated repositories."
            )
        super().__init__(f"The hub does not give this model away without asking ({status}). {remedy}")


class NotThere(FetchError):
    def __init__(self, repo: str, path: str, revision: str) -> None:
        super().__init__(
            f"The hub has no {path} in {repo} at “{revision}” (404). Either the model has moved, or HF_ENDPOINT names "
            "a mirror that does not hold it."
        )


class NoAnswer(FetchError):
    def __init__(self, host: str, why: str) -> None:
        super().__init__(
            f"{host} does not answer as it should ({why}). What has come so far is kept: run the same command again "
            "and it goes on from there."
        )


class Altered(FetchError):
    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(
            f"{path} is not the file the hub names: {expected} was expected, {found} came. It was thrown away. Run the "
            "command again; if this happens twice, something between you and the hub changes what it sends."
        )


class Busy(FetchError):
    def __init__(self) -> None:
        super().__init__("Another process is fetching a model. Wait for it, or stop it first.")


def size(count: float) -> str:
    """Bytes as people say them: 437 MB, 5.3 GB."""
    if count < 10**6:
        return f"{count / 1e3:.0f} kB" if count >= 1000 else f"{count:.0f} bytes"
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{count / 1e6:.0f} MB"
