"""Where the server listens, and what is in its way."""

import socket
from pathlib import Path

import pytest

from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.settings import Settings
from nexxi_cli.http.listener import listen


def test_a_port_that_is_taken_is_named() -> None:
    with listen(Settings(port=0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"127\.0\.0\.1 port {port}: Address already in use"):
            listen(Settings(port=port))


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1"):
        listen(Settings(host="192.0.2.1", port=0))


def test_what_a_dead_server_has_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "nexxi.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with listen(Settings(uds=path)):
        assert path.is_socket()


def test_a_socket_that_is_served_and_a_file_that_is_none_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "nexxi.sock"
    with listen(Settings(uds=path)), pytest.raises(SettingsError, match="another server"):
        listen(Settings(uds=path))
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(SettingsError, match="there is a file"):
        listen(Settings(uds=tmp_path / "notes"))
    assert (tmp_path / "notes").read_text() == "mine"


def test_a_path_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot listen on"):
        listen(Settings(uds=tmp_path / "no" / "such" / "folder.sock"))
