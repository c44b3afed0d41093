"""What `manage.py check` (and every start) says about this installation, each with what to do about it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from provenance.evm.wallet import NoWallet, Wallet

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", ".localhost"})
LEAST_SECRET_CHARACTERS = 32


def _writable(path: Path) -> bool:
    """Whether `path` can be written, or made where it does not exist yet."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def open_to_network() -> list[str]:
    """The allowed host names that are not this machine talking to itself."""
    return [host for host in settings.ALLOWED_HOSTS if host not in LOOPBACK]


@checks.register("starforge")
def data_folder(**_: Any) -> Iterable[checks.CheckMessage]:
    for name in ("STARFORGE_DATA", "MEDIA_ROOT"):
        path = Path(getattr(settings, name))
        if not _writable(path):
            yield checks.Error(
                f"{name} cannot be written: {path}",
                hint=f"Give it to this user (chown {os.getuid()} …), or set STARFORGE_DATA elsewhere.",
                id="starforge.E001",
            )


@checks.register("starforge")
def secret_key(**_: Any) -> Iterable[checks.CheckMessage]:
    if len(settings.SECRET_KEY) < LEAST_SECRET_CHARACTERS or settings.SECRET_KEY.startswith(
        "django-insecure"
    ):
        yield checks.Error(
            "The secret key is short or an example: with it, anyone could forge sessions and queued work.",
            hint="Leave STARFORGE_SECRET_KEY unset (one is generated into the data folder), or set "
            f"{LEAST_SECRET_CHARACTERS} random characters or more.",
            id="starforge.E002",
        )


@checks.register("starforge")
def secrets_are_private(**_: Any) -> Iterable[checks.CheckMessage]:
    folder = Path(settings.STARFORGE_DATA) / "secrets"
    if not folder.is_dir():
        return
    for path in (folder, *sorted(folder.iterdir())):
        if path.stat().st_mode & 0o077:
            yield checks.Warning(
                f"Others on this machine may read {path}.",
                hint=f"chmod go= {path}",
                id="starforge.W003",
            )


@checks.register("starforge")
def debug_on_the_network(**_: Any) -> Iterable[checks.CheckMessage]:
    if settings.DEBUG and (hosts := open_to_network()):
        yield checks.Error(
            f"STARFORGE_DEBUG is on while the site answers to {', '.join(hosts)}: "
            "error pages would show settings and code to strangers.",
            hint="Unset STARFORGE_DEBUG, or take the host out of STARFORGE_HOSTS.",
            id="starforge.E003",
        )


@checks.register("starforge")
def tls_on_the_network(**_: Any) -> Iterable[checks.CheckMessage]:
    if open_to_network() and not settings.STARFORGE_PUBLIC_URL.startswith("https://"):
        yield checks.Warning(
            "The site answers to other machines without https: passwords travel in clear text.",
            hint="Put a TLS proxy in front and set STARFORGE_PUBLIC_URL=https://…",
            id="starforge.W002",
        )


@checks.register("starforge")
def audiocraft(**_: Any) -> Iterable[checks.CheckMessage]:
    if importlib.util.find_spec("audiocraft") is None:
        yield checks.Warning(
            "audiocraft is not installed: the MusicGen and AudioGen engines cannot be used.",
            hint="pip install --no-deps -r requirements-audiocraft.txt (make run does it). "
            "The embedded engine, Mosaic, needs none of it.",
            id="starforge.W001",
        )


@checks.register("starforge")
def chain_account(**_: Any) -> Iterable[checks.CheckMessage]:
    if not settings.STARFORGE_EVM_URL:
        return
    try:
        Wallet(settings.STARFORGE_EVM_KEY)
    except NoWallet as error:
        yield checks.Warning(
            "A blockchain is set up and nothing can be written to it. Stamps hold without it.",
            hint=str(error),
            id="starforge.W004",
        )


@checks.register("starforge")
def queue_clock(**_: Any) -> Iterable[checks.CheckMessage]:
    base: dict[str, Any] = settings.Q_CLUSTER
    others: dict[str, dict[str, Any]] = base.get("ALT_CLUSTERS", {})
    for name, extra in [(base["name"], {}), *others.items()]:
        cluster = {**base, **extra}
        if cluster["retry"] <= cluster["timeout"]:
            yield checks.Error(
                f"Queue {name}: retry must be longer than timeout ({cluster['timeout']} s).",
                hint="A task that is still running would be handed out a second time. Raise retry.",
                id="starforge.E004",
            )


@checks.register("starforge")
def engines(**_: Any) -> Iterable[checks.CheckMessage]:
    for path in settings.STARFORGE_ENGINES:
        try:
            import_string(path)()
        except Exception as error:  # noqa: BLE001  an engine is foreign code: whatever it raises is the answer
            yield checks.Error(
                f"STARFORGE_ENGINES names {path}, which cannot be loaded: {error}",
                hint="Write the dotted path of an engine class, as in generation.engines.mosaic.engine.Mosaic, "
                "or unset STARFORGE_ENGINES.",
                id="starforge.E005",
            )
    if not settings.STARFORGE_ENGINES:
        yield checks.Error(
            "STARFORGE_ENGINES names no engine: nothing could be generated.",
            hint="Unset STARFORGE_ENGINES for the embedded engine.",
            id="starforge.E005",
        )
