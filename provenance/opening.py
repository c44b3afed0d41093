"""The owner's verbs for private parts: open them to anyone, close them again, hand them to one person."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from catalog.models import Artist
from provenance.disclosure import Disclosure, Opening
from provenance.models import Certificate


class NotPrivate(Exception):
    """A part was named that this certificate does not have. The message is one sentence."""


def owns(artist: Artist | None, certificate: Certificate) -> bool:
    return artist is not None and certificate.owner_id == artist.pk


def open_to_anyone(certificate: Certificate, names: Iterable[str]) -> None:
    """Show these parts on the public page and in the API from now on. Raises NotPrivate."""
    held = certificate.private_parts.filter(name__in=_known(certificate, names), opened_at__isnull=True)
    held.update(opened_at=timezone.now())


def close_again(certificate: Certificate, names: Iterable[str]) -> None:
    """Show them no longer. Whoever read them meanwhile keeps what they read. Raises NotPrivate."""
    certificate.private_parts.filter(name__in=_known(certificate, names)).update(opened_at=None)


def disclosure(certificate: Certificate, *, everything: bool = False) -> Disclosure | None:
    """The file that opens private parts: those open to anyone, or (for its owner to hand on) all of them."""
    parts = certificate.private_parts.all() if everything else certificate.opened_parts
    shown = tuple(Opening(part.name, part.salt, part.value) for part in parts)
    return Disclosure(certificate.pk, shown) if shown else None


def _known(certificate: Certificate, names: Iterable[str]) -> list[str]:
    wanted = list(names)
    have = {part.name for part in certificate.private_parts.all()}
    if missing := [name for name in wanted if name not in have]:
        raise NotPrivate(f"This certificate has no private part {missing[0][:32]!r}.")
    return wanted
