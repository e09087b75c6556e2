"""The headers of every answer, and the one log line of a blinded one."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request

from pharmacy.web.access import Door
from pharmacy.web.house import house

_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_PERMISSIONS = "camera={camera}, microphone=(), geolocation=(), payment=(), usb=()"
# The code reader is WebAssembly. A page without the camera gets neither of the two.
_PLAIN = {
    "Content-Security-Policy": _POLICY.format(scripts="'self'"),
    "Permissions-Policy": _PERMISSIONS.format(camera="()"),
}
_WITH_CAMERA = {
    "Content-Security-Policy": _POLICY.format(scripts="'self' 'wasm-unsafe-eval'"),
    "Permissions-Policy": _PERMISSIONS.format(camera="(self)"),
}


def add_headers(app: Flask) -> None:
    """Strict headers on everything; nothing but static files may be kept by a browser."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    response.headers.update(_HEADERS)
    response.headers.update(_WITH_CAMERA if g.get("camera", False) else _PLAIN)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
        response.headers.pop("ETag", None)
        response.headers.pop("Last-Modified", None)
    if house().secure_cookies:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    _log(response)
    return response


def _log(response: Response) -> None:
    """One line for a blinded request: the route's pattern, never a path, a person or a time.

    None for the lit room: how many requests were made there could follow the arm.
    """
    here = g.get("door")
    if request.endpoint == "static" or (isinstance(here, Door) and here.lit):
        return
    rule = request.url_rule.rule if request.url_rule else "none"
    logging.getLogger("twinbag").info(
        "request method=%s route=%s status=%s", request.method, rule, response.status_code
    )
