"""The printed nginx configuration in a real nginx, with a real certificate, in front of a small server."""

import http.client
import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from nexxi_cli.core.settings import Settings
from nexxi_cli.http.configs import SERVER_NAME, configuration
from tests.e2e.programs import free_port, program, running, wait_for_port

BODY_BYTES = 100_000
CLIENT_S = 10.0


class Upstream(ThreadingHTTPServer):
    """Remembers who came with which headers; streams its second event only when the test says so."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.headers: list[dict[str, str]] = []
        self.bodies: list[int] = []
        self.connections = 0
        self.goes_on = Event()

    @property
    def port(self) -> int:
        return self.server_address[1]


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.headers.append(dict(self.headers.items()))
        if self.path != "/stream":
            self.answer(b"{}")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(b"data: first\n\n")
        self.server.goes_on.wait()
        self.chunk(b"data: second\n\n")
        self.chunk(b"")

    def do_POST(self) -> None:
        self.server.bodies.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(b"{}")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *words: object) -> None:
        pass


@dataclass
class Nginx:
    """An nginx that runs the printed configuration on ports of its own."""

    http_port: int
    https_port: int
    certificate: Path
    upstream: Upstream

    def https(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection("localhost", self.https_port, context=context, timeout=CLIENT_S)


def write_configuration(folder: Path, settings: Settings, ports: tuple[int, int]) -> Path:
    """The printed file as an operator fills it in, within the file around it that every nginx has."""
    printed = (
        configuration("nginx", settings)
        .replace("listen 80;", f"listen 127.0.0.1:{ports[0]};")
        .replace("listen 443 ssl;", f"listen 127.0.0.1:{ports[1]} ssl;")
        .replace(SERVER_NAME, "localhost")
        .replace("/etc/nginx/tls", str(folder))
    )
    (folder / "nexxi.conf").write_text(printed)
    user = "user root root;" if os.geteuid() == 0 else ""  # whoever else it becomes cannot enter the test's folder
    paths = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        f" events {{}} http {{ access_log off; {paths} include {folder}/nexxi.conf; }}"
    )
    return main


def make_certificate(folder: Path) -> Path:
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate


@contextmanager
def serving() -> Iterator[Upstream]:
    upstream = Upstream()
    thread = Thread(target=upstream.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield upstream
    finally:
        upstream.goes_on.set()
        upstream.shutdown()
        thread.join()
        upstream.server_close()


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    ports = free_port(), free_port()
    certificate = make_certificate(tmp_path)
    with serving() as upstream:
        main = write_configuration(tmp_path, Settings(port=upstream.port, max_body_bytes=BODY_BYTES), ports)
        with running(program("nginx"), "-p", tmp_path, "-c", main, "-e", tmp_path / "error.log"):
            wait_for_port(ports[1])
            yield Nginx(*ports, certificate, upstream)


@pytest.mark.parametrize("settings", [Settings(), Settings(uds=Path("/run/nexxi/n.sock"))], ids=["port", "socket"])
def test_nginx_finds_nothing_to_complain_of(tmp_path: Path, settings: Settings) -> None:
    make_certificate(tmp_path)
    main = write_configuration(tmp_path, settings, (free_port(), free_port()))
    command = [program("nginx"), "-t", "-p", tmp_path, "-c", main, "-e", tmp_path / "error.log"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_plain_http_is_sent_to_https(nginx: Nginx) -> None:
    with closing(http.client.HTTPConnection("localhost", nginx.http_port, timeout=CLIENT_S)) as client:
        client.request("POST", "/v1/chat?x=1", headers={"Host": "evil.example"})
        answer = client.getresponse()
        assert (answer.status, answer.headers["Location"]) == (308, "https://localhost/v1/chat?x=1")
    assert nginx.upstream.headers == []


def test_we_are_told_who_really_came_and_how(nginx: Nginx) -> None:
    with closing(nginx.https()) as client:
        claims = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http", "Forwarded": "for=6.6.6.6"}
        client.request("GET", "/", headers={**claims, "X-API-Key": "abc"})
        assert client.getresponse().status == 200
    [headers] = nginx.upstream.headers
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "https"
    assert "Forwarded" not in headers
    assert headers["X-API-Key"] == "abc"


def test_a_delta_goes_out_before_the_next_one_is_there(nginx: Nginx) -> None:
    with closing(nginx.https()) as client:
        client.request("GET", "/stream")
        answer = client.getresponse()
        assert answer.readline() == b"data: first\n"
        assert not nginx.upstream.goes_on.is_set()
        nginx.upstream.goes_on.set()
        assert answer.read() == b"\ndata: second\n\n"


def test_a_body_as_long_as_ours_may_be_comes_through_and_a_longer_one_is_refused_as_we_do(nginx: Nginx) -> None:
    with closing(nginx.https()) as client:
        client.request("POST", "/", body=b"x" * BODY_BYTES)
        assert client.getresponse().read() == b"{}"
        client.request("POST", "/", body=b"x" * (BODY_BYTES + 1))
        answer = client.getresponse()
        error = json.loads(answer.read())["error"]
    assert nginx.upstream.bodies == [BODY_BYTES]
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/json")
    assert error["type"] == "invalid_request_error"


def test_connections_to_us_are_kept_open(nginx: Nginx) -> None:
    for _ in range(5):
        with closing(nginx.https()) as client:
            client.request("GET", "/")
            assert client.getresponse().read() == b"{}"
    assert nginx.upstream.connections == 1


def test_while_we_are_down_the_answer_is_an_error_like_ours(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    certificate = make_certificate(tmp_path)
    main = write_configuration(tmp_path, Settings(port=free_port()), ports)
    with running(program("nginx"), "-p", tmp_path, "-c", main, "-e", tmp_path / "error.log"), serving() as nobody:
        wait_for_port(ports[1])
        with closing(Nginx(*ports, certificate, nobody).https()) as client:
            client.request("GET", "/")
            answer = client.getresponse()
            error = json.loads(answer.read())["error"]
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert error["type"] == "api_error"


def test_of_two_servers_the_one_that_is_down_costs_nobody_an_answer(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    certificate = make_certificate(tmp_path)
    with serving() as upstream:
        main = write_configuration(tmp_path, Settings(port=upstream.port), ports)
        printed = tmp_path / "nexxi.conf"
        alive = f'server "127.0.0.1:{upstream.port}";'
        printed.write_text(printed.read_text().replace(alive, f'server "127.0.0.1:{free_port()}";\n    {alive}'))
        with running(program("nginx"), "-p", tmp_path, "-c", main, "-e", tmp_path / "error.log"):
            wait_for_port(ports[1])
            for _ in range(6):
                with closing(Nginx(*ports, certificate, upstream).https()) as client:
                    client.request("POST", "/", body=b"x")
                    assert client.getresponse().status == 200
    assert upstream.bodies == [1] * 6
