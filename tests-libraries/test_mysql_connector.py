import asyncio
import shutil

import pytest

from servers._server import make_certificate
from servers.mariadb import DATABASE, OWNER, PASSWORD
from suitkaise.cucumber import ReconnectError, SerializationError, serialize

pytest.importorskip("mysql.connector")

import mysql.connector
import mysql.connector.aio
import mysql.connector.conversion


class Labelled(mysql.connector.MySQLConnection):
    """A user's own."""


class TextOfDecimals(mysql.connector.conversion.MySQLConverter):
    """Leaves decimals as they are written."""

    def _decimal_to_python(self, value, desc=None):
        return value.decode()

    _newdecimal_to_python = _decimal_to_python


@pytest.fixture
def connect(mariadb_server, closing):
    """Connect as the owner."""

    def make(kind=mysql.connector.connect, **options):
        return closing(kind(**{**mariadb_server.arguments, **options}))

    return make


def ask(connection, query="SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def test_settings_arrive(connect, travel):
    connection = connect(
        charset="latin1",
        autocommit=True,
        buffered=True,
        connection_timeout=9,
        read_timeout=8,
        sql_mode="ANSI",
        converter_class=TextOfDecimals,
        conn_attrs={"purpose": "report"},
    )

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert (copy.charset, copy.autocommit, copy._connection_timeout) == ("latin1", True, 9)
    assert copy.sql_mode == connection.sql_mode
    assert (copy._buffered, copy.read_timeout) == (True, 8)
    assert copy._conn_attrs["purpose"] == "report"
    assert ask(copy, "SELECT 1.5") == ("1.5",)
    copy.close()


def test_one_of_a_pool_comes_back_as_a_connection_of_its_own(connect, travel):
    pooled = connect(pool_name="work", pool_size=1)

    copy = travel(pooled, PASSWORD).reconnect(PASSWORD)

    assert ask(copy) == (OWNER, DATABASE)
    copy.close()


def test_one_that_its_pool_has_back_arrives_closed(connect, travel):
    pooled = connect(pool_name="other", pool_size=1)
    pooled.close()

    assert not travel(pooled).reconnect().is_connected()


def test_a_subclass_and_its_attributes_arrive(connect, travel):
    connection = connect(Labelled)
    connection.name = "x"

    copy = travel(connection).reconnect(PASSWORD)

    assert (type(copy), copy.name) == (Labelled, "x")
    assert ask(copy) == (OWNER, DATABASE)
    copy.close()


def test_one_that_was_closed_connects_as_it_had(connect, travel):
    connection = connect(autocommit=True)
    connection.close()

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)
    copy.reconnect()

    assert (ask(copy), copy.autocommit) == ((OWNER, DATABASE), True)
    copy.close()


@pytest.mark.parametrize("consume_results", [True, False])
def test_a_result_that_is_not_read_is_refused_and_stays(connect, travel, consume_results):
    connection = connect(consume_results=consume_results)
    cursor = connection.cursor()
    cursor.execute("SELECT 1 UNION SELECT 2")

    with pytest.raises(SerializationError, match="result"):
        serialize(connection)

    assert cursor.fetchall() == [(1,), (2,)]
    travel(connection).reconnect(PASSWORD).close()


def test_one_closed_in_the_middle_of_a_result_arrives_closed(connect, travel):
    connection = connect()
    connection.cursor().execute("SELECT 1 UNION SELECT 2")
    connection.close()

    assert not travel(connection).reconnect(PASSWORD).is_connected()


def test_it_goes_on_to_verify_by_whom_it_is_served(connect, travel, mariadb_server, tmp_path):
    trusted = tmp_path / "trusted"
    shutil.copy(mariadb_server.certificate, trusted)
    connection = connect(ssl_ca=str(trusted), ssl_verify_cert=True, ssl_verify_identity=True)

    copy = travel(connection).reconnect(PASSWORD)
    stand_in = travel(connection)
    make_certificate(tmp_path)
    shutil.copy(tmp_path / "certificate", trusted)

    assert ask(copy, "SHOW STATUS LIKE 'Ssl_cipher'")[1]
    with pytest.raises(ReconnectError, match="certificate verify failed"):
        stand_in.reconnect(PASSWORD)
    copy.close()


@pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLSv1_2:DeprecationWarning")  # by the driver
def test_versions_and_ciphers_of_tls_arrive(connect, travel):
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    connection = connect(tls_versions=["TLSv1.2"], tls_ciphersuites=[suite])

    copy = travel(connection).reconnect(PASSWORD)

    assert ask(copy, "SHOW STATUS LIKE 'Ssl_version'")[1] == "TLSv1.2"
    assert ask(copy, "SHOW STATUS LIKE 'Ssl_cipher'")[1] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    copy.close()


@pytest.mark.comes_back(
    "asynchronous connections of mysql.connector",
    how="refused: it belongs to a loop; connect there",
)
def test_an_asynchronous_connection_is_refused(mariadb_server):
    async def send():
        connection = await mysql.connector.aio.connect(**mariadb_server.arguments)
        try:
            with pytest.raises(SerializationError, match="connect there"):
                serialize(connection)
        finally:
            await connection.close()

    asyncio.run(send())
