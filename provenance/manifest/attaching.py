"""Put a manifest into a finished sound file. The sound is not touched; every other tag must be written before.

The c2pa library sees the file in a limited child that has no key of ours. It signs with a key made for the moment;
then the true signature, from whatever `Signer` holds the claim key, takes the place of that one. So the key may live
in a token or a key service, and the manifest needs no room for a signature of unknown size.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from catalog.audio.atomic import replacing
from catalog.audio.sniff import locate, open_regular
from provenance.manifest import boxes, certificates, limited, places
from provenance.signing import Signer, SigningError, signature_holds


def attach(path: Path, definition: dict[str, Any], *, certificate: str, signer: Signer) -> None:
    """Write the manifest, completely or not at all.

    Raises limited.Unavailable where the library is missing or cannot cope with the file, SigningError when the key
    behind `signer` is not the certificate's or does not answer, AudioError for what is no sound file.
    """
    key = certificates.public_key(certificate)
    if key != signer.public_key:
        raise SigningError(
            "The claim key and its certificate do not belong together. Run: manage.py rotate_key c2pa."
        )
    fd = open_regular(path)
    try:
        located = locate(fd)
        with replacing(path) as part:
            out = os.open(part, os.O_RDWR | os.O_CLOEXEC)
            try:
                limited.write(fd, out, located, definition, certificate, _passing_key())
                place, made = _written(out)
                signature = signer.sign(made.signed)
                if not signature_holds(key, signature, made.signed):
                    raise SigningError("The claim key gave a signature that does not hold.")
                os.pwrite(out, signature, place.start + made.signature_at)
            finally:
                os.close(out)
    finally:
        os.close(fd)


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
