"""A repository comes whole: everything is staged beside the models, checked, and put in its place by a rename."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.audio.atomic import move_folder
from generation.hub import errors
from generation.hub.manifest import Kept, Manifest
from generation.hub.transfer import Hub, Named, free_bytes
from generation.hub.wanted import Acceptance, Repository

SPARE = 64 * 2**20  # a disk is not filled to its last byte
STAGING = ".staging"


@dataclass(frozen=True)
class Progress:
    """done, total: bytes of all files together. file: what is coming now."""

    done: int
    total: int
    file: str


OnProgress = Callable[[Progress], None]


@dataclass
class _Plan:
    """revision: what to ask the hub for. commit: what the snapshot is called here."""

    repository: Repository
    files: list[Named]
    revision: str
    commit: str
    staging: Path


def fetch(
    repository: Repository,
    models: Path,
    hub: Hub,
    *,
    acceptance: Acceptance | None,
    on_progress: OnProgress = lambda _: None,
    also: Sequence[Path] = (),
) -> Manifest:
    """Bring a repository into `models/<its name>/`. What is there already and as the hub names it is not sent again.

    also: further folders on this machine that may hold its files.
    Raises FetchError; then nothing is put in place, and what came is kept in `models/.staging` for the next time.
    """
    try:
        models.mkdir(parents=True, exist_ok=True)
        with _alone(models):
            plan = _plan(repository, models, hub)
            for folder in (models / repository.name, *also):
                _take_over(plan, folder)
            return _fetched(plan, models, hub, acceptance, on_progress)
    except OSError as error:
        raise errors.FetchError(f"Cannot write in {models}: {error.strerror or error}.") from error


def _fetched(
    plan: _Plan,
    models: Path,
    hub: Hub,
    acceptance: Acceptance | None,
    on_progress: OnProgress,
) -> Manifest:
    total = sum(named.size for named in plan.files)
    missing = total - _have(plan)
    free = free_bytes(models)
    if missing and missing + SPARE > free:
        raise errors.NoSpace(missing, free, models)
    done = total - missing

    def came(count: int, file: str) -> None:
        nonlocal done
        done += count
        on_progress(Progress(done, total, file))

    try:
        return _put(plan, _bring(plan, hub, came), models, hub, acceptance)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise errors.NoSpace(total - _have(plan), free_bytes(models), models) from error


def _plan(repository: Repository, models: Path, hub: Hub) -> _Plan:
    """Ask the hub for every file: all of the commit that the first one names, whatever is pushed in between."""
    files: list[Named] = []
    revision = repository.revision
    for wanted in repository.files:
        named = hub.name(repository, wanted, revision)
        if named is not None:
            files.append(named)
            if named.commit and revision == repository.revision:
                revision = named.commit
    if not files:
        raise errors.NotThere(repository.repo, "file", repository.revision)
    commit = files[0].commit or _stand_in(files)
    return _Plan(repository, files, revision, commit, models / STAGING / repository.name)


def _stand_in(files: Sequence[Named]) -> str:
    """A name for the commit where a mirror tells none."""
    said = "\n".join(f"{named.wanted.path} {named.size} {named.etag}" for named in files)
    return hashlib.sha1(said.encode(), usedforsecurity=False).hexdigest()


def _part(plan: _Plan, named: Named) -> Path:
    """Where an unfinished file lies. Its name holds what it is a part of: another version begins anew."""
    version = hashlib.sha256(f"{named.etag} {named.size}".encode()).hexdigest()[:12]
    return plan.staging / f"{named.wanted.path}.{version}.part"


def _take_over(plan: _Plan, home: Path) -> None:
    """Files that lie in their place already, put there by hand or by an earlier version, need not come again."""
    for named in plan.files:
        file, staged = home / named.wanted.path, plan.staging / named.wanted.path
        if staged.exists() or not file.is_file() or file.stat().st_size != named.size:
            continue
        with contextlib.suppress(errors.Altered, OSError):  # what cannot be linked comes again
            named.check(file)
            staged.parent.mkdir(parents=True, exist_ok=True)
            os.link(file.resolve(), staged)


def _have(plan: _Plan) -> int:
    """Bytes that need not come any more."""
    count = 0
    for named in plan.files:
        staged, part = plan.staging / named.wanted.path, _part(plan, named)
        if staged.exists():
            count += named.size
        elif part.exists():
            count += min(part.stat().st_size, named.size)
    return count


def _bring(plan: _Plan, hub: Hub, came: Callable[[int, str], None]) -> dict[str, Kept]:
    kept = {}
    for named in plan.files:
        path = named.wanted.path
        staged, part = plan.staging / path, _part(plan, named)
        if not staged.exists():
            came(0, path)

            def on_bytes(count: int, path: str = path) -> None:
                came(count, path)

            try:
                hub.bring(plan.repository.repo, named, plan.revision, part, on_bytes)
                how, digest = named.check(part)
            except errors.Altered:
                part.unlink()
                raise
            part.replace(staged)
        else:
            try:
                how, digest = named.check(staged)  # it has lain here since another day
            except errors.Altered:
                staged.unlink()
                raise
        kept[path] = Kept(named.size, digest, how)
    return kept


def _put(
    plan: _Plan, files: dict[str, Kept], models: Path, hub: Hub, acceptance: Acceptance | None
) -> Manifest:
    """The staged folder takes the place of whatever was there."""
    repository = plan.repository
    manifest = Manifest(
        name=repository.name,
        repo=repository.repo,
        revision=repository.revision,
        commit=plan.commit,
        endpoint=hub.endpoint,
        fetched_at=now(),
        files=files,
        licence=acceptance,
    )
    for file in plan.staging.rglob("*"):  # parts of other versions
        if file.is_file() and str(file.relative_to(plan.staging)) not in files:
            file.unlink()
    manifest.write(plan.staging)
    home, before = models / repository.name, plan.staging.with_name(f"{repository.name}.before")
    shutil.rmtree(before, ignore_errors=True)
    if home.exists():
        home.rename(before)
    move_folder(plan.staging, home)
    shutil.rmtree(before, ignore_errors=True)
    return manifest


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def _alone(models: Path) -> Iterator[None]:
    """One fetch at a time: models share text encoders and codecs."""
    staging = models / STAGING
    staging.mkdir(exist_ok=True)
    with (staging / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.Busy from None
        yield
