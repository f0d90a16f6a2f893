"""A PostgreSQL server of the tests' own: a new cluster on a free port of loopback, gone when they end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

USER = "gpt4o"
START_S = 60
# Nothing of it is kept, so that nothing waits for the disk.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
HOW_TO_ADD = "no PostgreSQL on this machine; Debian's package postgresql has it"


def binaries():
    """The folder of initdb and postgres, of the newest version; None where there is none."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return Path(found).parent if found else folders[-1] if folders else None


class PostgresServer:
    """`url()` is an empty database each time: a schema of its own, which costs less."""

    def __init__(self, folder, settings=QUICK):
        self._bin = binaries()
        self.folder = Path(folder)
        self._settings = settings
        self._schemas = count()
        self._process = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(self.folder, *self._user())
        self._run("initdb", "--no-sync", "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "-D", self._data)

    @property
    def _data(self):
        return self.folder / "data"

    def _user(self):
        """PostgreSQL refuses to run as root."""
        import pwd

        names = {entry.pw_name for entry in pwd.getpwall()}
        name = "postgres" if "postgres" in names else "nobody"
        return pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid

    def _command(self, name, *arguments):
        command = [str(each) for each in (self._bin / name, *arguments)]
        if os.geteuid() == 0:
            uid, gid = self._user()
            command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *command]
        return command

    def _run(self, name, *arguments):
        subprocess.run(self._command(name, *arguments), check=True, capture_output=True, cwd=self.folder)

    def start(self):
        options = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", *self._settings]
        flags = [flag for option in options for flag in ("-c", option)]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", self._data, *flags), cwd=self.folder, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, "postgres ended by itself"
            assert time.monotonic() < deadline, "postgres does not answer"
            time.sleep(0.02)

    def _answers(self):
        import psycopg

        try:
            psycopg.connect(self.address(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how=signal.SIGINT):
        """SIGINT ends all connections; SIGQUIT does not even tidy up, as after a crash."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    def address(self, port=None):
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/postgres"

    def url(self, port=None):
        import psycopg

        schema = f"vault_{next(self._schemas)}"
        with psycopg.connect(self.address(), autocommit=True) as db:
            db.execute(f"CREATE SCHEMA {schema}")
        return f"{self.address(port)}?options=-csearch_path%3D{schema}"

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(f"{self.folder}.log").unlink(missing_ok=True)


def own_server(settings=QUICK):
    """A running one, or None where PostgreSQL or psycopg is missing."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return None
    if binaries() is None:
        return None
    server = PostgresServer(tempfile.mkdtemp(prefix="gpt4o-image-postgres-"), settings)
    server.start()
    return server
