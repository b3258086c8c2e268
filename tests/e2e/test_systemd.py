"""The printed unit, as systemd reads it."""

import subprocess
from pathlib import Path

import pytest

from nexxi_cli.core.settings import Settings
from nexxi_cli.http.configs import configuration
from tests.e2e.programs import program


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(port=443), Settings(uds=Path("/run/nexxi/a b.sock"))], ids=["port", "low", "uds"]
)
def test_systemd_finds_nothing_to_complain_of(tmp_path: Path, settings: Settings) -> None:
    unit = tmp_path / "nexxi.service"
    unit.write_text(configuration("systemd", settings))
    done = subprocess.run([program("systemd-analyze"), "verify", "--man=no", unit], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "nexxi.service" not in done.stderr


def test_systemd_finds_the_unit_well_locked_up(tmp_path: Path) -> None:
    unit = tmp_path / "nexxi.service"
    unit.write_text(configuration("systemd", Settings()))
    command = [program("systemd-analyze"), "security", "--offline=yes", "--threshold=20", unit]  # of 100, all open
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
