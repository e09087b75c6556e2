"""The QR code of an authenticator's key, for a screen and no paper."""

from __future__ import annotations

import segno

_QUIET_MODULES = 4


def key_symbol(address: str) -> str:
    """An `otpauth` address as a QR code of level M: a data address of an SVG, black on white."""
    symbol = segno.make(address, error="m", micro=False, boost_error=False)
    return str(symbol.svg_data_uri(border=_QUIET_MODULES, scale=4, dark="#000", light="#fff"))
