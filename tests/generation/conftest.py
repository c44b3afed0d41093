"""What several tests of generation share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from generation.engines import engines
from tests.generation.stand_in import PATH, StandIn
from tests.generation.tiny_models import tiny_model_folders, tiny_models
from tests.generation.tiny_stable_audio import tiny_stable_audio, tiny_stable_audio_files

__all__ = ["stand_in", "tiny_model_folders", "tiny_models", "tiny_stable_audio", "tiny_stable_audio_files"]


@pytest.fixture
def stand_in(settings: Settings) -> Iterator[str]:
    """The stand-in engine beside Mosaic, named as any engine is. Its slug."""
    settings.STARFORGE_ENGINES = [*settings.STARFORGE_ENGINES, PATH]
    engines.cache_clear()
    yield StandIn.slug
    engines.cache_clear()
