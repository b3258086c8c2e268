"""`nexxi serve`: what it does before it serves."""

import socket
from pathlib import Path

import pytest

from nexxi_cli.cli.serve import HTTP_SESSION_TTL_S, http_settings
from nexxi_cli.core.errors import SettingsError
from tests.cli.nexxi import nexxi, refused, said


def test_sessions_over_http_live_for_half_an_hour_of_silence_unless_the_settings_say_otherwise(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http_settings({}).session_ttl_s == HTTP_SESSION_TTL_S == 30 * 60
    monkeypatch.setenv("NEXXI_SESSION_TTL_S", "60")
    assert http_settings({}).session_ttl_s == 60


def test_an_injection_over_http_is_refused_unless_the_settings_say_otherwise(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http_settings({}).safety_injection == "block"
    monkeypatch.setenv("NEXXI_SAFETY_INJECTION", "observe")
    assert http_settings({}).safety_injection == "observe"


def test_flags_that_are_not_given_leave_the_settings_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_PORT", "9000")
    monkeypatch.setenv("NEXXI_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = http_settings({"port": None})
    assert settings.port == 9000
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    with pytest.raises(SettingsError, match="--port: "):
        http_settings({"port": 70000})


def test_a_server_that_nobody_could_or_everybody_might_call_is_refused(home: Path) -> None:
    assert "nexxi keys create" in refused("serve", "--port", "0", code=2)
    assert "loopback" in refused("serve", "--port", "0", "--host", "0.0.0.0", "--insecure-no-auth", code=2)


def test_a_configuration_is_printed_for_these_settings(home: Path) -> None:
    assert "127.0.0.1:8123" in said("serve", "--port", "8123", "--print-config", "nginx")
    assert "choose one of" in refused("serve", "--print-config", "apache", code=2)


def test_the_check_names_what_is_missing_and_ends_with_6(home: Path) -> None:
    done = nexxi("serve", "--check", "--port", "0", "--model", str(home / "nothing.gguf"))
    assert done.returncode == 6
    states = dict(reversed(line.split()[:2]) for line in done.stdout.splitlines())
    assert states == {
        "address": "ok",
        "sessions": "ok",
        "archive": "ok",
        "keys": "down",
        "routes": "ok",
        "model": "down",
    }


def test_a_port_that_is_taken_is_one_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        line = refused("serve", "--port", port, code=2)
    assert line == f"nexxi: cannot listen on 127.0.0.1 port {port}: Address already in use; choose another --port"


@pytest.mark.parametrize("path", ["/no/such/folder/nexxi.sock", "/dev/null", "/tmp/" + "x" * 200])
def test_a_socket_that_cannot_be_is_one_line_with_its_reason(home: Path, path: str) -> None:
    line = refused("serve", "--uds", path, code=2)
    assert path in line
    assert "None" not in line


def test_a_value_that_cannot_be_is_a_usage_error_for_the_check_too(home: Path) -> None:
    assert "--max-concurrent: " in refused("serve", "--check", "--max-concurrent", "0", code=2)
