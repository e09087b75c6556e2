"""A reverse proxy as nginx is told to be: it passes requests on and names the sender last."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
_LIMIT_S = 60


@contextmanager
def before(address: str) -> Iterator[str]:
    """A proxy before the server at `address`; yields its own address.

    It does what `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for` does: whatever the
    sender said of itself stays, and the address it really came from is put after it.
    """
    target = urlsplit(address)

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def log_message(self, *_said: Any) -> None:
            """Keep no access log."""

        def _pass_on(self, body: bytes) -> None:
            told = self.headers.get_all("X-Forwarded-For", [])
            kept = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _HOPS | {"x-forwarded-for"}
            }
            kept["X-Forwarded-For"] = ", ".join([*told, self.client_address[0]])
            kept["Host"] = target.netloc
            behind = http.client.HTTPConnection(target.hostname, target.port, timeout=_LIMIT_S)
            behind.request(self.command, self.path, body, kept)
            answer = behind.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOPS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            behind.close()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
