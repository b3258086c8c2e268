"""A model hub on a port of this machine: the part of the hub's API that a download uses."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "a" * 40


class FakeHub(ThreadingHTTPServer):
    """Serves the files of `folder` as the repository `test/tiny`; `refusal` is a status for every request."""

    daemon_threads = True

    def __init__(self, folder: Path, *, refusal: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        self.refusal = refusal
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _answer(self, *, with_body: bool) -> None:
        self.server.asked.append(self.path)
        path = self.path.partition("?")[0]
        headers = {"X-Repo-Commit": COMMIT}
        if self.server.refusal is not None:
            return self._send(self.server.refusal, b"{}", headers | self._reason(), with_body=with_body)
        if path.startswith("/api/models/test/tiny/tree/"):
            return self._send(200, json.dumps(self._tree()).encode(), headers, with_body=with_body)
        if path.startswith("/api/models/test/tiny"):
            siblings = [{"rfilename": name, "size": len(body)} for name, body in self.server.files.items()]
            info = {"id": "test/tiny", "modelId": "test/tiny", "sha": COMMIT, "siblings": siblings}
            return self._send(200, json.dumps(info).encode(), headers, with_body=with_body)
        body = self.server.files.get(path.rpartition("/")[2])
        if body is None:
            return self._send(404, b"{}", {**headers, "X-Error-Code": "EntryNotFound"}, with_body=with_body)
        etag = hashlib.sha1(body).hexdigest()
        return self._send(200, body, {**headers, "ETag": f'"{etag}"'}, with_body=with_body)

    def _reason(self) -> dict[str, str]:
        code = {403: "GatedRepo", 404: "RepoNotFound"}.get(self.server.refusal or 0)
        return {"X-Error-Code": code} if code else {}

    def _tree(self) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
            for name, body in self.server.files.items()
        ]

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, with_body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@contextmanager
def running(hub: FakeHub) -> Iterator[FakeHub]:
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
