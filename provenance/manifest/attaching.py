"""Put a manifest into a finished sound file. The sound is not touched; every other tag is written before.

The c2pa library sees the file in a limited child that has no key of ours. It signs with a key made for the moment;
then the true signature, from whatever `Signer` holds the claim key, takes the place of that one. So the key may live
in a token or a key service, and the manifest needs no room for a signature of unknown size.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from catalog.audio.atomic import Replacement
from catalog.audio.sniff import locate, open_regular
from provenance.manifest import boxes, certificates, limited, places
from provenance.signing import Signer, SigningError, signature_holds


class Attaching:
    """Begun before everything is known that the manifest will say: the library loads meanwhile."""

    def __init__(self, path: Path, *, tags: bool) -> None:
        """tags: whether tags are written into a copy first. Raises limited.Unavailable, AudioError, OSError."""
        with contextlib.ExitStack() as undo:
            self._source: IO[bytes]
            if tags:
                self._source = undo.enter_context(tempfile.TemporaryFile(dir=path.parent))
            else:
                self._source = undo.enter_context(os.fdopen(open_regular(path), "rb"))
            self._tags, self._new = tags, Replacement(path)
            undo.callback(self._new.discard)
            self._out = os.open(self._new.part, os.O_RDWR | os.O_CLOEXEC)
            undo.callback(os.close, self._out)
            self._work = limited.Writing(self._source.fileno(), self._out)
            undo.callback(self._work.stop)
            self._undo = undo.pop_all()

    def finish(
        self,
        definition: dict[str, Any],
        *,
        certificate: str,
        signer: Signer,
        tag: Callable[[IO[bytes]], None] | None = None,
    ) -> None:
        """Write the file with its manifest, completely or not at all. tag: writes the tagged copy.

        Raises limited.Unavailable where the library cannot cope with the file, SigningError when the key behind
        `signer` is not the certificate's or does not answer, AudioError for what is no sound file.
        """
        key = certificates.public_key(certificate)
        if key != signer.public_key:
            raise SigningError(
                "The claim key and its certificate do not belong together. Run: manage.py rotate_key c2pa."
            )
        if self._tags and tag is not None:
            tag(self._source)
        located = locate(self._source.fileno())
        self._work.write(located, definition, certificate, _passing_key())
        place, made = _written(self._out)
        signature = signer.sign(made.signed)
        if not signature_holds(key, signature, made.signed):
            raise SigningError("The claim key gave a signature that does not hold.")
        os.pwrite(self._out, signature, place.start + made.signature_at)
        self._new.commit()

    def stop(self) -> None:
        """Whatever was begun and not finished leaves nothing behind."""
        self._undo.close()


def _written(fd: int) -> tuple[places.Place, boxes.Manifest]:
    """The manifest as the library wrote it: of the one form that our own reader knows."""
    try:
        place = places.find(fd, locate(fd))
        if place is None:
            raise boxes.Malformed("it is not there")
        return place, boxes.parse(places.read(fd, place))
    except (boxes.Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
        raise limited.Unavailable(f"The manifest that was written is not as it must be: {error}.") from error


def _passing_key() -> str:
    """A key that nobody keeps: the library wants one to sign with."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode("ascii")
    )
