"""
A log in an SQLite file: the alias table of one machine.

WAL, so that a server reads while `deploy` writes; `synchronous=FULL`, so that a
revision that was reported is on disk. SQLite's locks need a local file system.
"""

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Conflict, Damaged, RegistryError, Unavailable
from .revision import Revision, decode, encode

_APPLICATION = 0x4C53_5256  # "LSRV", in the file's header: what `file` calls an application id
_VERSION = 1
_BUSY_SECONDS = 5.0
_PAGE = 64  # revisions a query of `log` reads at a time

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS revisions (
    model TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (model, revision)
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
COMMIT;
"""

# From one model's first revision to the next one's: SQLite's DISTINCT reads every revision.
_MODELS = """
WITH RECURSIVE found(model) AS (
    SELECT min(model) FROM revisions
    UNION ALL
    SELECT (SELECT min(model) FROM revisions WHERE model > found.model) FROM found
    WHERE found.model IS NOT NULL
)
SELECT model FROM found WHERE model IS NOT NULL
"""


class SqliteAliasTable:
    """
    Cheap to construct; the file, which `create` makes, is opened at first use.

    Thread-safe: one connection behind a lock. A file that was moved away or
    replaced while it was open is noticed at the next call, and never made anew:
    an empty table in its place would look like a model without aliases.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._frozen = False

    @classmethod
    def create(cls, path: Path) -> "SqliteAliasTable":
        """The table in `path`, which is made if it is not there."""
        path.touch()
        return cls(path)

    def newest(self, model: str) -> Revision | None:
        query = "SELECT body FROM revisions WHERE model = ? ORDER BY revision DESC LIMIT 1"
        return next(self._read(query, model), None)

    def get(self, model: str, number: int) -> Revision | None:
        query = "SELECT body FROM revisions WHERE model = ? AND revision = ?"
        return next(self._read(query, model, number), None)

    def append(self, revision: Revision) -> None:
        text = encode(revision)
        with self._use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                winner = _insert(connection, revision, text)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        if winner is not None:
            raise Conflict(
                f"revision {revision.number} of {revision.model} is not the next one",
                winner=winner,
            )

    def log(self, model: str) -> Iterator[Revision]:
        query = (
            "SELECT body FROM revisions WHERE model = ? AND revision < ?"
            " ORDER BY revision DESC LIMIT ?"
        )
        before = 2**62
        while page := list(self._read(query, model, before, _PAGE)):
            yield from page
            before = page[-1].number

    def models(self) -> list[str]:
        with self._use() as connection:
            return [model for (model,) in connection.execute(_MODELS)]

    def close(self) -> None:
        with self._lock:
            self._drop()

    def __del__(self) -> None:
        self._drop()  # Python 3.13 warns of a connection that nobody closed

    def _read(self, query: str, *values: str | int) -> Iterator[Revision]:
        with self._use() as connection:
            rows = connection.execute(query, values).fetchall()
        return (decode(body, f"a revision in {self._path}") for (body,) in rows)

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        """The open connection, alone. SQLite's errors leave as the registry's."""
        with self._lock:
            try:
                yield self._open()
            except sqlite3.Error as error:
                self._drop()
                raise self._translated(error) from error
            if self._frozen:
                self._drop()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._opened == self._identity():
            return self._connection
        self._drop()
        try:
            connection = self._connect("mode=rw")
        except sqlite3.OperationalError as error:
            if not self._is_read_only(error):
                raise
            # As it is on the disk now, for one call: SQLite does not look for changes.
            connection = self._connect("mode=ro&immutable=1")
            self._frozen = True
        self._connection, self._opened = connection, self._identity()
        return connection

    def _connect(self, how: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection, writable=how == "mode=rw")
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_read_only(self, error: sqlite3.OperationalError) -> bool:
        """The file may be read but not written, and all of it is in the one file."""
        refused = _primary(error) in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
        log = self._path.with_name(f"{self._path.name}-wal")
        try:
            return (
                refused
                and self._path.stat().st_size > 0
                and not (log.exists() and log.stat().st_size)
            )
        except OSError:
            return False

    def _prepare(self, connection: sqlite3.Connection, *, writable: bool) -> None:
        # In this order: whoever makes the table meanwhile commits both at once.
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != _APPLICATION and tables:
            raise Damaged(
                f"{self._path} is an SQLite file, but not an alias table",
                hint="name another registry, or move that file away",
            )
        if writable:
            _set_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise Damaged(
                f"{self._path} has version {version}, this program reads {_VERSION}",
                hint="a newer lambda-serving wrote it: upgrade this one",
            )
        if version < _VERSION and writable:
            connection.executescript(_SCHEMA)

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._opened = None
        self._frozen = False

    def _disk_is_full(self) -> bool:
        try:
            return shutil.disk_usage(self._path.parent).free == 0
        except OSError:
            return False

    def _translated(self, error: sqlite3.Error) -> RegistryError:
        if isinstance(error, sqlite3.OperationalError):
            full = error.sqlite_errorcode == sqlite3.SQLITE_FULL or self._disk_is_full()
            return Unavailable(
                f"the alias table {self._path} cannot be used now: {error}",
                hint="free some space, then run it again" if full else "",
            )
        return Damaged(
            f"{self._path} is not an alias table: {error}",
            hint="put a backup in its place, or move it away to begin an empty one",
        )


def _insert(connection: sqlite3.Connection, revision: Revision, text: str) -> int | None:
    """Add the revision if it is the next one. Returns None, or the newest number if not."""
    (newest,) = connection.execute(
        "SELECT coalesce(max(revision), 0) FROM revisions WHERE model = ?", (revision.model,)
    ).fetchone()
    if revision.number != newest + 1:
        return int(newest)
    connection.execute(
        "INSERT INTO revisions VALUES (?, ?, ?)", (revision.model, revision.number, text)
    )
    return None


def _primary(error: sqlite3.OperationalError) -> int:
    """The primary result code: the low byte of an extended one."""
    return error.sqlite_errorcode & 0xFF


def _set_wal(connection: sqlite3.Connection) -> None:
    """The switch to WAL does not wait for locks by itself, unlike every other statement."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
