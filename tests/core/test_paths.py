"""Folders follow the XDG base directory specification."""

from pathlib import Path

from nexxi_cli.core.paths import xdg_paths


def test_without_variables_folders_lie_under_the_home() -> None:
    paths = xdg_paths({"HOME": "/home/ada"})
    assert paths.data == Path("/home/ada/.local/share/nexxi")
    assert paths.cache == Path("/home/ada/.cache/nexxi")


def test_an_xdg_variable_moves_its_folder() -> None:
    assert xdg_paths({"HOME": "/home/ada", "XDG_STATE_HOME": "/var/s"}).state == Path("/var/s/nexxi")


def test_a_relative_xdg_variable_is_ignored() -> None:
    assert xdg_paths({"HOME": "/home/ada", "XDG_CONFIG_HOME": "conf"}).config == Path("/home/ada/.config/nexxi")


def test_sockets_lie_where_the_login_has_a_place_for_them_or_else_with_the_state() -> None:
    home = {"HOME": "/home/ada"}
    assert xdg_paths(home).runtime == Path("/home/ada/.local/state/nexxi/run")
    assert xdg_paths(home | {"XDG_RUNTIME_DIR": "/run/user/7"}).runtime == Path("/run/user/7/nexxi")
    assert xdg_paths(home | {"XDG_RUNTIME_DIR": "run"}).runtime == Path("/home/ada/.local/state/nexxi/run")
