"""One file from a hub: `{endpoint}/{repo}/resolve/{revision}/{path}`, gone on with where it was cut.

Names, headers, sessions and refusals are huggingface_hub's. Its own downloads begin again from nothing in a new
process (the partial file has a random name and is deleted), lose up to 10 MB at each cut, only warn of a full disk,
and compare no hashes; so the loop over the bytes is ours.
"""

from __future__ import annotations

import errno
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog.audio.hashing import file_sha256
from generation.hub import errors
from generation.hub.manifest import blob_sha1_of
from generation.hub.wanted import Repository, WantedFile

TRIES = 5
TIMEOUT = 20.0  # seconds without a byte
WAITS = (1.0, 2.0, 4.0, 8.0)
SHA256 = re.compile(r"[0-9a-f]{64}")
SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Named:
    """A file as the hub names it. etag: a SHA-256 of large files, a Git blob's SHA-1 of small ones, or anything."""

    wanted: WantedFile
    size: int
    etag: str
    commit: str

    @property
    def expected(self) -> tuple[str, str]:
        """(how it will be checked, the hash)."""
        if self.wanted.sha256:
            return "pinned", self.wanted.sha256
        return "hub", self.etag if SHA256.fullmatch(self.etag) or SHA1.fullmatch(self.etag) else ""

    def check(self, file: Path) -> tuple[str, str]:
        """(how it was checked, its SHA-256). Raises Altered."""
        found = file.stat().st_size
        if found != self.size:
            raise errors.Altered(self.wanted.path, f"{self.size} bytes", f"{found}")
        how, expected = self.expected
        digest = file_sha256(file)
        if not expected:
            return "size", digest
        mine = blob_sha1_of(file) if how == "hub" and len(expected) == 40 else digest
        if not mine.startswith(expected):
            raise errors.Altered(self.wanted.path, f"the hash {expected[:12]}…", f"{mine[:12]}…")
        return how, digest


@dataclass(frozen=True)
class Hub:
    """A hub, or a mirror of one. wait: sleeps between two tries."""

    endpoint: str
    token: str = ""
    wait: Callable[[float], None] = time.sleep

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc or self.endpoint

    def page(self, repo: str) -> str:
        return f"{self.endpoint}/{repo}"

    def name(self, repository: Repository, wanted: WantedFile, revision: str) -> Named | None:
        """What the hub says of a file; None for an optional one that is not there. Raises FetchError."""
        from huggingface_hub import get_hf_file_metadata
        from huggingface_hub.errors import HfHubHTTPError

        def ask() -> Any:
            return get_hf_file_metadata(
                self._url(repository.repo, wanted.path, revision),
                token=self._token(repository.repo),
                endpoint=self.endpoint,
            )

        try:
            found = self._trying(ask, repository.repo, wanted.path, revision)
        except errors.NotThere:
            if wanted.optional:
                return None
            raise
        except HfHubHTTPError as error:
            raise self._said(error, repository.repo, wanted.path, revision) from error
        if found.size is None:
            raise errors.NoAnswer(self.host, f"it does not tell how large {wanted.path} is")
        return Named(wanted, int(found.size), found.etag or "", found.commit_hash or "")

    def bring(
        self, repo: str, named: Named, revision: str, part: Path, on_bytes: Callable[[int], None]
    ) -> None:
        """Go on with `part` until it is whole. `on_bytes(count)` hears of what came, negative for what was dropped.

        Raises FetchError; what came is kept in `part`.
        """
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

        url = self._url(repo, named.wanted.path, revision)
        part.parent.mkdir(parents=True, exist_ok=True)
        if part.exists() and part.stat().st_size > named.size:
            part.unlink()

        def go_on() -> None:
            with part.open("ab") as handle:
                have = handle.tell()
                if have == named.size:
                    return
                # Packed texts have no ranges, and their length is another.
                headers = build_hf_headers(token=self._token(repo)) | {"Accept-Encoding": "identity"}
                if have:
                    headers["Range"] = f"bytes={have}-"
                # httpx takes the token off when it is sent on to the hub's store at another host.
                with get_session().stream(
                    "GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True
                ) as answer:
                    hf_raise_for_status(answer)
                    if have and answer.status_code == 200:  # it knows no ranges: all of it comes again
                        handle.truncate(0)
                        on_bytes(-have)
                        have = 0
                    for piece in answer.iter_raw():
                        handle.write(piece)
                        handle.flush()  # a process that is killed keeps what came
                        have += len(piece)
                        on_bytes(len(piece))
                        if have > named.size:  # it may have no end, and the disk has one
                            raise errors.Altered(named.wanted.path, f"{named.size} bytes", "more")
            if have < named.size:
                raise ConnectionError

        self._trying(go_on, repo, named.wanted.path, revision, grown=lambda: _size(part))

    def _token(self, repo: str) -> str | bool:
        """Nobody but the hub is shown it."""
        return self.token or False if not _is_address(repo) else False

    def _url(self, repo: str, path: str, revision: str) -> str:
        from huggingface_hub import hf_hub_url

        if _is_address(repo):
            return f"{repo.rstrip('/')}/{path}"
        return hf_hub_url(repo, path, revision=revision, endpoint=self.endpoint)

    def _trying(
        self,
        work: Callable[[], Any],
        repo: str,
        path: str,
        revision: str,
        grown: Callable[[], int] = lambda: 0,
    ) -> Any:
        """Do it, again after what passes: a cut line, a time-out, a server that is busy. Progress renews the tries."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        tries, before = 0, grown()
        while True:
            try:
                return work()
            except OfflineModeIsEnabled:
                raise errors.FetchError(
                    "HF_HUB_OFFLINE is set, so nothing is fetched. Run the command without it."
                ) from None
            except HfHubHTTPError as error:
                status = error.response.status_code
                if status != 429 and status < 500:
                    raise self._said(error, repo, path, revision) from error
                last: Exception = error
                why = f"{status}"
            except (httpx2.HTTPError, ConnectionError, TimeoutError) as error:
                last, why = error, _plain(error)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise errors.FetchError(f"Cannot write {path}: {error.strerror or error}.") from error
            if (now := grown()) > before:
                tries, before = 0, now
            tries += 1
            if tries >= TRIES:
                raise errors.NoAnswer(self.host, why) from last
            self.wait(WAITS[min(tries - 1, len(WAITS) - 1)])

    def _said(self, error: Any, repo: str, path: str, revision: str) -> errors.FetchError:
        status = error.response.status_code
        elsewhere = _is_address(repo)  # a plain store says 403 of what it does not have
        if status in (401, 403) and not elsewhere:
            return errors.Gated(self.page(repo), status=status, with_token=bool(self.token))
        if status == 404 or (status == 403 and elsewhere):
            return errors.NotThere(repo, path, revision)
        return errors.NoAnswer(self.host, f"{status} for {path}")


def _is_address(repo: str) -> bool:
    return repo.startswith(("https://", "http://"))


def free_bytes(folder: Path) -> int:
    """Room on the disk where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _plain(error: Exception) -> str:
    import httpx2

    if isinstance(error, (httpx2.TimeoutException, TimeoutError)):
        return "timed out"
    if isinstance(error, httpx2.ConnectError):
        return "no connection"
    return "the connection was cut"
