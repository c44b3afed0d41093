"""Product names in one place, so that they can change."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

PRODUCT = {
    "name": "Starforge",
    "dna": "Aesthetic DNA",
    "studio": "Generate",
    "pitch": "Most AI music is trained on everything. Yours is trained on you.",
}


def product(request: HttpRequest) -> dict[str, Any]:
    return {"product": PRODUCT}
