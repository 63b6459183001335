"""The specification's examples of @autoreconnect as scripts, with real databases, unguarded."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

PATIENCE = 60.0

SCRIPT = """
import sqlite3
import sys
import threading

from suitkaise.processing import Pool, Skprocess, autoreconnect


@autoreconnect(
    start_threads=True,
    **{
        "psycopg2.Connection": {"*": "secret", "analytics_db": "analytics_secret"},
        "redis.Redis": {"*": "redis_pass"},
        "sqlite3.Connection": {"cache": {"timeout": 1.5}},
    }
)
class MyProcess(Skprocess):
    def __init__(self, db_connection, cache_connection):
        self.db = db_connection
        self.cache = cache_connection
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.ready.set)
        self.process_config.runs = 2

    def __run__(self):
        # db and cache are automatically reconnected
        self.db.execute("INSERT INTO words VALUES (?)", (f"run {self.current_run}",))
        self.db.commit()
        self.cached = self.cache.execute("SELECT word FROM cached").fetchall()

    def __result__(self):
        assert isinstance(self.db, sqlite3.Connection)
        if self.thread.ident is None:  # in a pool, __init__ has run in the worker
            self.thread.start()
        assert self.ready.wait(60)
        self.thread.join()
        return self.cached, self.cache.execute("PRAGMA busy_timeout").fetchone()[0]


db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE words (word)")
cache = sqlite3.connect(":memory:")
cache.execute("CREATE TABLE cached AS SELECT 'from memory' AS word")

print(MyProcess(db, cache).run())
with Pool(workers=2) as pool:
    print(pool.star().map(MyProcess, [(db, cache)] * 2))
print(db.execute("SELECT count(*) FROM words").fetchone())
db.close()
cache.close()
"""

RESTARTING = """
import os
import sqlite3
import sys
import threading

from suitkaise.cucumber import ReconnectError
from suitkaise.processing import Skprocess, autoreconnect


@autoreconnect()
class Reader(Skprocess):
    def __init__(self, db, lives):
        self.db = db
        self.process_config.runs = 1
        self.process_config.lives = lives

    def __run__(self):
        self.words = self.db.execute("SELECT word FROM words").fetchall()

    def __result__(self):
        return self.words


path = sys.argv[1]
db = sqlite3.connect(path)
db.execute("CREATE TABLE words AS SELECT 'hello' AS word")
db.commit()

# As long as the file is away, the database is down.
reader = Reader(db, lives=1)
os.rename(path, path + ".away")
try:
    reader.run()
except ReconnectError as error:
    print(error.path, error.type_key, "unable to open" in error.reason)

patient = Reader(db, lives=100)
patient.start()
threading.Timer(0.2, os.rename, (path + ".away", path)).start()
print(patient.result())
db.close()
"""


def run(script: str, folder: Path, *arguments: str) -> list[str]:
    file = folder / "script.py"
    file.write_text(script)
    done = subprocess.run(
        [sys.executable, "-W", "error", file, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_specification_s_example_runs_as_a_script(tmp_path: Path) -> None:
    path = tmp_path / "words.db"

    printed = run(SCRIPT, tmp_path, str(path))

    one = "([('from memory',)], 1500)"
    assert printed == [one, f"[{one}, {one}]", "(6,)"]
    with closing(sqlite3.connect(path)) as db:
        words = db.execute("SELECT word, count(*) FROM words GROUP BY word ORDER BY word")
        assert words.fetchall() == [("run 0", 3), ("run 1", 3)]


def test_a_database_that_is_away_costs_lives_until_it_is_back(tmp_path: Path) -> None:
    printed = run(RESTARTING, tmp_path, str(tmp_path / "words.db"))

    assert printed == [".db sqlite3.Connection True", "[('hello',)]"]


@pytest.mark.parametrize("name", ["psycopg2.Conection", "redis.redis", "sqlite.Connection"])
def test_a_misspelt_type_ends_the_script_at_the_decorator(tmp_path: Path, name: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from suitkaise.processing import autoreconnect\n"
        f"autoreconnect(**{{{name!r}: {{'*': 'hunter22'}}}})\n"
    )

    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ValueError: unknown type {name!r}: did you mean ")
    assert "hunter22" not in last
