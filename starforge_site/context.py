"""What every page is drawn with: product names in one place, so that they can change, and the shell around it."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest

PRODUCT = {
    "name": "Starforge",
    "dna": "Aesthetic DNA",
    "studio": "Generate",
    "pitch": "Most AI music is trained on everything. Yours is trained on you.",
}


def product(request: HttpRequest) -> dict[str, Any]:
    return {"product": PRODUCT}


@functools.cache
def edition() -> str:
    """Changes with the scripts and the common styles: a tab opened before an upgrade loads its next page whole."""
    static = settings.BASE_DIR / "static"
    read = hashlib.sha256()
    for path in sorted([*static.glob("js/**/*.js"), static / "css/base.css", static / "css/tokens.css"]):
        read.update(path.read_bytes())
    return read.hexdigest()[:12]


def shell(request: HttpRequest) -> dict[str, Any]:
    chosen = request.COOKIES.get("theme", "")  # set by static/js/theme.js; without it the system decides
    return {"shell": {"edition": edition(), "theme": chosen if chosen in {"light", "dark"} else ""}}
