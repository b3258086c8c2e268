"""The printed nginx configuration in a real nginx, in front of two real servers over one Redis and one model server."""

import asyncio
import http.client
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nexxi_cli.core.settings import Settings
from tests.e2e.programs import free_port, program, running, wait_for_port
from tests.e2e.test_nginx import CLIENT_S, make_certificate, write_configuration
from tests.http.cluster import Cluster, cluster
from tests.http.conversations import client_for, conversations, progress
from tests.http.serving import KEY
from tests.http.upstream_process import upstream_process
from tests.redis_process import RedisProcess

DELAY_S = 0.05
STREAM = b'{"message": "Why?", "stream": true, "save": false}'
HEADERS = {"x-api-key": KEY, "content-type": "application/json"}


@dataclass
class Site:
    """nginx, and the servers behind it, by their ports."""

    http_port: int
    https_port: int
    trusted: ssl.SSLContext
    home: Path
    settings: dict[str, object]
    stack: ExitStack
    servers: dict[int, Cluster] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    def start(self, port: int) -> None:
        """One server, which may take the place of one that has ended."""
        home = self.home / f"{port}-{len(list(self.home.glob(f'{port}-*')))}"
        self.servers[port] = self.stack.enter_context(cluster(home, **self.settings | {"NEXXI_PORT": port}))


@pytest.fixture
def site(tmp_path: Path, redis_server: RedisProcess) -> Iterator[Site]:
    redis_server.client.flushall()
    nginx, ports, inner = program("nginx"), (free_port(), free_port()), (free_port(), free_port())
    certificate = make_certificate(tmp_path)
    main = write_configuration(tmp_path, Settings(port=inner[0]), ports)
    printed = tmp_path / "nexxi.conf"
    first = f'server "127.0.0.1:{inner[0]}";'
    printed.write_text(printed.read_text().replace(first, f'{first}\n    server "127.0.0.1:{inner[1]}";'))
    with ExitStack() as stack:
        settings = {
            "NEXXI_REDIS_URL": redis_server.url,
            "NEXXI_MODEL_SERVER": stack.enter_context(upstream_process(delay_s=DELAY_S)).url,
            "NEXXI_REQUESTS_PER_MINUTE": 100_000,
            "NEXXI_GRACE_S": 10,
            "NEXXI_REQUIRE_HTTPS": 1,
        }
        trusted = ssl.create_default_context(cafile=str(certificate))
        site = Site(*ports, trusted, tmp_path, settings, stack)
        for port in inner:
            site.start(port)
        stack.enter_context(running(nginx, "-p", tmp_path, "-c", main, "-e", tmp_path / "error.log"))
        wait_for_port(ports[1])
        yield site


def test_a_stream_comes_as_it_is_written_over_tls_alone(site: Site) -> None:
    with closing(http.client.HTTPConnection("localhost", site.http_port, timeout=CLIENT_S)) as plain:
        plain.request("POST", "/v1/chat", STREAM, HEADERS)
        assert plain.getresponse().status == 308
    for port in site.servers:  # the scheme is what the proxy says, and that of whoever comes past it is plain
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=CLIENT_S)) as past:
            past.request("POST", "/v1/chat", STREAM, HEADERS)
            assert past.getresponse().status == 403
    with closing(http.client.HTTPSConnection("localhost", site.https_port, context=site.trusted, timeout=30)) as client:
        client.request("POST", "/v1/chat", STREAM, HEADERS | {"X-Forwarded-Proto": "http"})
        answer = client.getresponse()
        assert answer.status == 200
        came = []
        while line := answer.readline():
            if b'"content"' in line:
                came.append(time.monotonic())
    assert len(came) >= 4
    assert came[-1] - came[0] > 3 * DELAY_S


async def test_behind_it_a_server_is_replaced_and_every_conversation_goes_on(site: Site) -> None:
    async with conversations(site.url, trusted=site.trusted) as held:
        await progress(held)
        port, server = next(iter(site.servers.items()))
        server.send(signal.SIGTERM)
        assert await asyncio.to_thread(server.ended) == 0
        await progress(held)
        await asyncio.to_thread(site.start, port)
        await progress(held)
    assert not any(conversation.outcomes["refused connection"] for conversation in held)
    async with client_for(site.trusted) as client:
        assert (await client.get(f"{site.url}/ready")).status_code == 200
