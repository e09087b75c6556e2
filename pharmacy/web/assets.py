"""Static files under the digest of all of them, so that a browser may keep each one for good.

The digest stands in the path and not behind a question mark: modules and style sheets name each
other by relative paths, and so they always come from one and the same version.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask import Flask, current_app, send_from_directory, url_for
from werkzeug.wrappers import Response

from pharmacy.web.access import door

_YEAR_SECONDS = 365 * 24 * 3600
_DIGEST = re.compile(r"[0-9a-f]{16}")
_KEY = "twinbag-static"


def hang(app: Flask) -> None:
    """Compute the digest, once, and put the public door before the files."""
    app.extensions[_KEY] = digest_of(Path(str(app.static_folder)))
    app.view_functions["static"] = door(public=True)(_answer)
    app.jinja_env.globals["static_url"] = static_url


def digest_of(folder: Path) -> str:
    """16 hexadecimal digits over the names and bytes of all files in a folder."""
    whole = hashlib.sha256()
    for path in sorted(part for part in folder.rglob("*") if part.is_file()):
        whole.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def static_url(path: str) -> str:
    """Where a static file of this version is."""
    return url_for("static", filename=f"{current_app.extensions[_KEY]}/{path}")


def _answer(filename: str) -> Response:
    """A file; under this version's digest it may be kept a year, otherwise it is asked for anew.

    A page that was open while the product was upgraded still gets its files: today's.
    """
    digest, _, rest = filename.partition("/")
    path = rest if _DIGEST.fullmatch(digest) else filename
    current = digest == current_app.extensions[_KEY]
    folder = str(current_app.static_folder)
    response = send_from_directory(folder, path, max_age=_YEAR_SECONDS if current else None)
    response.cache_control.immutable = current or None
    return response
