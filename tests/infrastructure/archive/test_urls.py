"""Which database the setting names, and that no message shows its password."""

import traceback
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

from nexxi_cli.core.errors import MissingExtra, SettingsError
from nexxi_cli.core.registry import ARCHIVES, load
from nexxi_cli.core.settings import Settings, load_settings
from tests.infrastructure.stores.others import run_python

NOWHERE = Path("/nonexistent/config.toml")


class Without(MetaPathFinder):
    """Makes a library impossible to find."""

    def __init__(self, library: str) -> None:
        self._library = library

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self._library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def settings_of(url: str) -> Settings:
    return load_settings({}, {"NEXXI_DATABASE_URL": url}, default_config=NOWHERE)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@db/nexxi",
        "postgres://ada:hunter2@db/nexxi",
        "postgresql+psycopg://ada:hunter2@db/nexxi",
        "sqlite:///archive.db",
        "sqlite:////var/lib/nexxi/archive.db",
    ],
)
def test_a_known_scheme_is_taken_and_its_secret_not_shown(url: str) -> None:
    settings = settings_of(url)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == url
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("url", ["mysql://ada:hunter2@db/nexxi", "hunter2", "sqlite://", "http://hunter2"])
def test_another_scheme_is_refused_in_one_line_without_the_secret(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^NEXXI_DATABASE_URL: must begin with postgresql://.* or sqlite:///$"
    ) as refused:
        settings_of(url)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_secret_of_the_wrong_type_is_not_shown_either(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("database_url = 6543210\n")
    with pytest.raises(SettingsError, match=r"^database_url in .*config\.toml: ") as refused:
        load_settings({}, {}, default_config=config)
    assert "6543210" not in "".join(traceback.format_exception(refused.value))


def test_an_address_that_makes_no_sense_is_refused_without_the_secret() -> None:
    url = f"postgresql://ada:{'hunter' + '2'}@db:port/nexxi"
    with pytest.raises(SettingsError, match="not of the form postgresql://") as refused:
        load(ARCHIVES, "postgresql")(url)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_sqlite_without_a_path_is_refused() -> None:
    with pytest.raises(SettingsError, match="names no file"):
        load(ARCHIVES, "sqlite")("sqlite:///")


def test_a_missing_driver_is_named_with_the_extra_that_brings_it() -> None:
    done = run_python(
        "import sys; from tests.infrastructure.archive.test_urls import Without\n"
        "sys.meta_path.insert(0, Without('psycopg'))\n"
        "from nexxi_cli.core.registry import ARCHIVES, load; load(ARCHIVES, 'postgresql')"
    )
    assert (
        f"{MissingExtra.__name__}: postgresql needs the library psycopg: pip install 'nexxi[postgres]'" in done.stderr
    )


def test_starting_up_loads_no_database_library() -> None:
    done = run_python(
        "import sys, nexxi_cli.core.settings, nexxi_cli.core.ports, nexxi_cli.wiring\n"
        "print(sorted({'sqlalchemy', 'alembic', 'psycopg', 'aiosqlite'} & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr
