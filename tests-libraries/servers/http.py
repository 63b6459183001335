"""An HTTP server on loopback that remembers what it was asked, and by whom."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class RecordingServer(ThreadingHTTPServer):
    """Answers all with the same.

    Attributes:
        answer: The answer, as JSON.
        headers: The headers of each request.
    """

    daemon_threads = True

    def __init__(self, answer: Any, **headers: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = json.dumps(answer).encode()
        self.answer_headers = headers
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: RecordingServer

    def do_GET(self) -> None:
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        for name, value in self.server.answer_headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def recording(answer: Any, **headers: str) -> Iterator[RecordingServer]:
    """Run a server."""
    with RecordingServer(answer, **headers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
