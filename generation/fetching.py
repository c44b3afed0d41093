"""Models come to this machine: which are here, and fetching one with all it needs, its licence accepted first."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from generation.engines.neural.catalogue import MODELS, Licence, Model, may_be_absent
from generation.engines.neural.places import Place, models_folder, place_of
from generation.hub import (
    Acceptance,
    FetchError,
    Hub,
    Manifest,
    Progress,
    Repository,
    WantedFile,
    fetch,
    manifest_in,
    now,
)

HERE, DAMAGED, ELSEWHERE, UNACCEPTED, ABSENT = (
    "here",
    "damaged",
    "in the hub's cache",
    "not accepted",
    "absent",
)


class NotAccepted(FetchError):
    """Nobody has said yes to these licences."""

    def __init__(self, licences: list[Licence]) -> None:
        self.licences = licences
        names = " and ".join(f"the {licence.name} ({licence.url})" for licence in licences)
        super().__init__(
            f"These weights are under {names}. Read it, and run the command again with --accept-licence if you accept."
        )


@dataclass(frozen=True)
class Listed:
    """A model and how it stands here. why: a sentence, of a damaged one."""

    model: Model
    state: str
    why: str = ""


def listed() -> list[Listed]:
    return [_listed(model) for model in MODELS.values()]


def wanted(name: str) -> list[Model]:
    """The model and those it needs, it last. Raises FetchError for a name that is not known."""
    if name not in MODELS:
        raise FetchError(f"There is no model “{name}”. Choose: {', '.join(MODELS)}.")
    model = MODELS[name]
    return [*(MODELS[needed] for needed in model.needs), model]


def licences_of(models: list[Model]) -> list[Licence]:
    """Each licence once."""
    return list(dict.fromkeys(model.licence for model in models))


def fetch_model(
    name: str,
    *,
    accepted_by: str | None,
    on_progress: Callable[[Model, Progress], None] = lambda *_: None,
    hub: Hub | None = None,
) -> list[Manifest]:
    """Fetch a model and what it needs. What is here and whole stays, and costs no request.

    accepted_by: who accepts the licences now; None when nobody does, which is enough for what was accepted before.
    Raises FetchError (NotAccepted) with a sentence; then nothing is half there.
    """
    models = wanted(name)
    talk = hub or Hub(settings.STARFORGE_HUB, settings.STARFORGE_HUB_TOKEN)
    if accepted_by is None:
        open_ones = [model for model in models if _acceptance(model) is None]
        if open_ones:
            raise NotAccepted(licences_of(open_ones))
    return [_fetched(model, talk, accepted_by, on_progress) for model in models]


def verify_model(name: str) -> str:
    """A sentence on what is damaged in a model that is here, every byte read; "" when nothing is."""
    (*_, model) = wanted(name)
    place = place_of(name)
    if place is None:
        return f"{model.label} is not on this machine."
    manifest = manifest_in(place.folder)
    if manifest is None:
        return f"Nothing is known of how {model.label} came here. Fetch it: what is whole will not be sent again."
    return manifest.damage(place.folder, hashes=True)


def _fetched(
    model: Model, hub: Hub, accepted_by: str | None, on_progress: Callable[[Model, Progress], None]
) -> Manifest:
    home = models_folder() / model.name
    acceptance = _acceptance(model)
    if accepted_by is not None and acceptance is None:
        acceptance = Acceptance(model.licence.name, model.licence.url, accepted_by, now())
    manifest = manifest_in(home)
    if manifest is not None and place_of(model.name) is not None and not manifest.damage(home):
        if manifest.licence is None:
            manifest = manifest.accepted(acceptance)
            manifest.write(home)
        return manifest
    elsewhere = place_of(model.name)
    return fetch(
        repository_of(model),
        models_folder(),
        hub,
        acceptance=acceptance,
        on_progress=lambda progress: on_progress(model, progress),
        also=[elsewhere.folder] if elsewhere is not None else [],
    )


def repository_of(model: Model) -> Repository:
    files = tuple(WantedFile(file, _named_hash(file), optional=may_be_absent(file)) for file in model.files)
    return Repository(model.name, model.repo, files)


def _named_hash(file: str) -> str | None:
    """Torch's hub writes the first digits of a file's SHA-256 into its name: 955717e8-8726e21a.th."""
    found = re.fullmatch(r".*-([0-9a-f]{8,64})\.(?:th|pth?)", file)
    return found[1] if found else None


def _acceptance(model: Model) -> Acceptance | None:
    manifest = manifest_in(models_folder() / model.name)
    return manifest.licence if manifest is not None else None


def _listed(model: Model) -> Listed:
    place = place_of(model.name)
    if place is None:
        return Listed(model, ABSENT)
    manifest = manifest_in(place.folder)
    if manifest is not None and (why := manifest.damage(place.folder)):
        return Listed(model, DAMAGED, why)
    if not _ours(place):
        return Listed(model, ELSEWHERE)
    if model.licence.gated and (manifest is None or manifest.licence is None):
        return Listed(model, UNACCEPTED)
    return Listed(model, HERE)


def _ours(place: Place) -> bool:
    return Path(models_folder()).resolve() in place.folder.resolve().parents
