"""Which page an address belongs to: a form's own address may take nothing but the form."""

from __future__ import annotations

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect


def page_address() -> str:
    """The nearest address at or above this request's that can be opened: the page of its form."""
    adapter = current_app.create_url_adapter(request)
    path = request.path
    while adapter is not None and path:
        try:
            adapter.match(path, method="GET")
        except RequestRedirect:
            return path
        except HTTPException:
            path = path.rpartition("/")[0]
        else:
            return path
    return "/"
