"""The engines by slug, from the dotted paths in STARFORGE_ENGINES."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from generation.engines.base import Engine


@cache
def engines() -> dict[str, Engine]:
    made: list[Engine] = [import_string(path)() for path in settings.STARFORGE_ENGINES]
    return {engine.slug: engine for engine in made}
