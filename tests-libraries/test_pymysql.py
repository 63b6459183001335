import ssl

import pytest

from servers.mariadb import PASSWORD
from suitkaise.cucumber import ReconnectError

pymysql = pytest.importorskip("pymysql")

from pymysql import converters, cursors  # noqa: E402


class Labelled(pymysql.connections.Connection):
    """A user's own."""


@pytest.fixture
def connect(mariadb_server, closing):
    """Connect as the owner."""

    def make(kind=pymysql.connect, **options):
        return closing(kind(**{**mariadb_server.arguments, **options}))

    return make


def ask(connection, query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def test_settings_type_and_attributes_arrive(connect, travel, mariadb_server):
    connection = connect(
        kind=Labelled,
        unix_socket=mariadb_server.socket,
        charset="latin1",
        autocommit=True,
        cursorclass=cursors.DictCursor,
        init_command="SET @mark = 5",
        read_timeout=9,
        program_name="report",
    )
    connection.name = "x"

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert (type(copy), copy.name) == (Labelled, "x")
    assert (copy.charset, copy.get_autocommit(), copy._read_timeout) == ("latin1", True, 9)
    assert ask(copy, "SELECT @mark AS mark") == {"mark": 5}
    assert copy._connect_attrs["program_name"] == "report"
    copy.close()


def test_converters_arrive(connect, travel):
    float_of_decimals = {pymysql.FIELD_TYPE.NEWDECIMAL: float}
    connection = connect(conv={**converters.conversions, **float_of_decimals})

    copy = travel(connection).reconnect(PASSWORD)

    (number,) = ask(copy, "SELECT 1.5")
    assert type(number) is float
    copy.close()


def test_one_that_was_closed_connects_as_it_had(connect, travel):
    connection = connect()
    connection.close()

    copy = travel(connection).reconnect(PASSWORD)
    copy.connect()

    assert copy.get_autocommit() is False
    copy.close()


def test_an_init_command_with_a_secret_stays_behind_and_is_asked_for(connect, travel):
    command = "SET @app_token = 'hunter22'"
    stand_in = travel(connect(init_command=command), "hunter22")

    with pytest.raises(ReconnectError, match="init_command"):
        stand_in.reconnect(PASSWORD)

    copy = stand_in.reconnect({"password": PASSWORD, "init_command": command})
    assert ask(copy, "SELECT @app_token") == ("hunter22",)
    copy.close()


def test_it_goes_on_to_verify_by_whom_it_is_served(connect, travel, mariadb_server):
    connection = connect(ssl_ca=mariadb_server.certificate, ssl_verify_identity=True)

    copy = travel(connection).reconnect(PASSWORD)

    assert ask(copy, "SHOW STATUS LIKE 'Ssl_cipher'")[1]
    assert (copy.ctx.verify_mode, copy.ctx.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert copy.ctx.get_ca_certs() == connection.ctx.get_ca_certs()
    copy.close()


def test_tls_can_be_turned_off(connect, travel, mariadb_server):
    connection = connect(ssl_ca=mariadb_server.certificate)

    copy = travel(connection).reconnect({"passwd": PASSWORD, "ssl_disabled": True})

    assert ask(copy, "SHOW STATUS LIKE 'Ssl_cipher'")[1] == ""
    copy.close()
