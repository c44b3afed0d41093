"""Which authority this installation declares to, from its settings."""

from __future__ import annotations

from django.conf import settings

from provenance.authorities.base import ProvenanceAuthority
from provenance.authorities.declarations import Declarations
from provenance.authorities.http import Service
from provenance.authorities.local import Local
from provenance.authorities.plan import Plan
from provenance.authorities.v2 import V2

KINDS = ("declarations", "plan", "v2")


def configured() -> ProvenanceAuthority:
    """`Local` where no o8 is set: then nothing is sent anywhere."""
    base_url = settings.STARFORGE_O8_URL
    if not base_url:
        return Local()
    service = Service(base_url, settings.STARFORGE_O8_TOKEN, settings.STARFORGE_O8_SECONDS)
    if settings.STARFORGE_O8_KIND == "plan":
        return Plan(service)
    if settings.STARFORGE_O8_KIND == "v2":
        return V2(service, settings.STARFORGE_O8_IDENTITY)
    return Declarations(service, settings.STARFORGE_O8_WALLET)
