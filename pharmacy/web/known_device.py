"""Where a try to sign in comes from: a device its person knows, or an address.

Misses are counted for an account from one place, and whoever stands behind the address of many,
such as a carrier's network, would wait for strangers. So a browser in which somebody has signed in
keeps a mark that says so; with it the try has a count of its own. The mark opens nothing. It cannot
be made without the server's key, is for one person, and is given for a whole sign-in only: whoever
has but the password gets no second count to guess the second factor with.
Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from pharmacy.web.house import house

_DEVICE = "device:"
_LASTS = timedelta(days=400)  # browsers keep no cookie longer
_MOST_PEOPLE = 16
_KEPT = re.compile(rf"[0-9a-f]{{32}}(\.[0-9a-f]{{32}}){{1,{_MOST_PEOPLE}}}", re.ASCII)


def believe_one_proxy(app: Flask) -> None:
    """Take the sender's address from the one proxy before the program.

    The last address of X-Forwarded-For is the proxy's own word; what stands before it, and every
    other header of that kind, is the sender's and counts for nothing.
    """
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        app.wsgi_app, x_for=1, x_proto=0, x_host=0, x_port=0, x_prefix=0
    )


def whence(user_name: str) -> str:
    """The place that a try for this account comes from, as `throttling` counts it."""
    device, marks = _kept()
    mark = _mark(device, user_name)
    if any(hmac.compare_digest(mark, one) for one in marks):
        return f"{_DEVICE}{device}"
    return request.remote_addr or ""


def is_known(whence: str) -> bool:
    """Whether that place is a device and no address."""
    return whence.startswith(_DEVICE)


def remember(response: Response, user_name: str) -> Response:
    """Keep in this browser that this person has signed in with it; the longest ago go first."""
    device, marks = _kept()
    device = device or house().surroundings.random_bytes("known device", 16).hex()
    mine = _mark(device, user_name)
    newest = [mine, *(one for one in marks if one != mine)][:_MOST_PEOPLE]
    response.set_cookie(
        _cookie_name(),
        ".".join([device, *newest]),
        max_age=_LASTS,
        expires=house().surroundings.now() + _LASTS,
        secure=house().secure_cookies,
        httponly=True,
        samesite="Strict",
        path="/",
    )
    return response


def _kept() -> tuple[str, list[str]]:
    said = request.cookies.get(_cookie_name(), "")
    if not _KEPT.fullmatch(said):
        return "", []
    device, *marks = said.split(".")
    return device, marks


def _mark(device: str, user_name: str) -> str:
    said = f"known device|{device}|{user_name.strip().casefold()}"
    return hmac.new(house().secret_key, said.encode(), hashlib.sha256).hexdigest()[:32]


def _cookie_name() -> str:
    name = "twinbag-demo-device" if house().practice_only else "twinbag-device"
    return f"__Host-{name}" if house().secure_cookies else name
