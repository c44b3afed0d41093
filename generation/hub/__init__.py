"""Models come from a hub: whole and as the hub names them, or not at all.

`fetch` brings a repository into the folder of models; `manifest` remembers what came, from where,
and who accepted its licence; `transfer` speaks the hub's protocol for one file.
"""

from __future__ import annotations

from generation.hub.errors import FetchError
from generation.hub.fetch import Progress, fetch, now
from generation.hub.manifest import Manifest, manifest_in
from generation.hub.transfer import Hub
from generation.hub.wanted import Acceptance, Repository, WantedFile

__all__ = [
    "Acceptance",
    "FetchError",
    "Hub",
    "Manifest",
    "Progress",
    "Repository",
    "WantedFile",
    "fetch",
    "manifest_in",
    "now",
]
