"""The PostgreSQL that other tests rely on: it comes back with all commits after any kind of stop."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.postgres import Mode, Postgres


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_what_was_committed_survives_a_restart(postgres: Postgres, mode: Mode) -> None:
    url = postgres.new_database()
    postgres.execute("CREATE TABLE kept (n integer)", url)
    postgres.execute("INSERT INTO kept VALUES (7)", url)
    with psycopg.connect(url) as connection:
        postgres.stop(mode)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        postgres.execute("SELECT 1")
    postgres.start()
    assert postgres.execute("SELECT n FROM kept", url) == [(7,)]


def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        postgres.execute("SELECT 1", postgres.url().replace(postgres.password, "wrong"))
