"""The app behind a real socket: Chromium talks to it as a person's browser would."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from pharmacy.web.house import House
from tests.support.world import KeyedChance


class ServedChance(KeyedChance):
    """Keyed chance for an app whose requests may overlap."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._lock = threading.Lock()

    def __call__(self, purpose: str, count: int) -> bytes:
        with self._lock:
            return super().__call__(purpose, count)


class _Quiet(WSGIRequestHandler):
    """Answers without a line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; the app has its own log."""


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve an app on 127.0.0.1, on a free port unless one is named; yields its address, without a
    slash at the end.
    """
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        house: House = app.extensions["twinbag"]
        with house.units.reading() as uow:
            engine = uow.session.get_bind().engine
        engine.dispose()
