"""An address as a QR code, drawn as inline SVG: for a phone held to the screen or to paper. Pure."""

from __future__ import annotations

import segno
from django.utils.safestring import SafeString

QUIET_ZONE = 4  # modules, as ISO/IEC 18004 asks for
# On the dark page too it is dark on light, which is what every reader reads.
DARK, LIGHT = "#0A0A0A", "#F5F3F0"


def qr(address: str) -> SafeString:
    """Error correction level M or better: a fold or a coffee ring in print does not end it."""
    code = segno.make(address, micro=False, error="m")
    return SafeString(  # segno escapes the title; the rest is numbers
        code.svg_inline(
            border=QUIET_ZONE,
            dark=DARK,
            light=LIGHT,
            title=f"QR code of {address}",
            svgclass="code",
            lineclass=None,
            omitsize=True,
        )
    )
