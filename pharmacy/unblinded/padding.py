"""Pages that may carry an arm: their length is a round one, and does not tell it.

Whatever stands before the server, such as a proxy that ends TLS, sees how long each answer is and
may write it down beside its address.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, request
from werkzeug.wrappers import Response

# Longer than any page of the bench, and than the one answer of a code break.
ROOM_BYTES = 64 * 1024
BREAK_BYTES = 16 * 1024


def pad_pages(app: Flask, blueprints: Collection[str], step_bytes: int) -> None:
    """Fill these blueprints' HTML pages with blank lines up to a multiple of `step_bytes`."""
    names = frozenset(blueprints)

    def padded(response: Response) -> Response:
        if request.blueprint in names and response.mimetype == "text/html":
            page = response.get_data()
            response.set_data(page + b"\n" * (-len(page) % step_bytes))
        return response

    app.after_request(padded)
