import re
from collections import OrderedDict
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._secrets import (
    has_secret,
    is_secret,
    url_without_secrets,
    with_secrets,
    without_secrets,
)

SECRET = "hunter22"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"


class Plan(StrEnum):
    SMALL = "small"


class Login(NamedTuple):
    user: str
    password: str


class PasswordProvider:
    pass


class TokenAwarePolicy:
    pass


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passwd", "PASSWORD", "Password1", "ssl_password", "wallet_password"),
        *("PWD", "pwd", "private_key_file_pwd", "passphrase", "passcode", "pass", "db_pass"),
        *("token", "access_token", "authToken", "session-token", "api_key", "apiKey", "X-Api-Key"),
        *("secret", "client_secret", "aws_secret_access_key", "private_key", "AccountKey"),
        *("auth", "basic_auth", "bearer_auth", "http_auth", "Authorization", "Set-Cookie"),
        *("credentials", "credential_provider", "Proxy-Authorization", "keypass"),
        *("scram_client_key", "scram_server_key"),
    ],
)
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("user", "username", "host", "db", "dbname", "passfile", "sslkey", "ssl_keyfile"),
        *("private_key_file", "private_key_path", "token_file_path", "authSource", "authMechanism"),
        *("authenticator", "auth_plugin", "keyspace", "primary_key", "bypass", "timeout", "path"),
    ],
)
def test_names_of_what_is_no_secret(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        (f"redis://:{SECRET}@host:6379/0", "redis://@host:6379/0"),
        (f"redis://user:{SECRET}@host:6379/0", "redis://user@host:6379/0"),
        (f"redis://u%40x:{SECRET}%2F%40%3A@host", "redis://u%40x@host"),
        (f"http://user:a@b{SECRET}@host/", "http://user@host/"),
        (f"http://user:a:b{SECRET}@host/", "http://user@host/"),
        (f"postgresql://user:a/b{SECRET}@host/db", "postgresql://user@host/db"),
        (f"postgresql://user:a?b{SECRET}@host/db", "postgresql://user@host/db"),
        (f"postgresql://:12#{SECRET}@host/db", "postgresql://@host/db"),
        (f"postgresql://user:a b{SECRET}@host/db", "postgresql://user@host/db"),
        (f"mongodb://u:{SECRET}@h1:1,h2:2/db?w=1", "mongodb://u@h1:1,h2:2/db?w=1"),
        (f"nats://u:{SECRET}@h1,nats://h2", "nats://u@h1,nats://h2"),
        (f"mysql+pymysql://u:{SECRET}@/db?unix_socket=/x", "mysql+pymysql://u@/db?unix_socket=/x"),
        (f"unix://u@/s.sock?db=0&password={SECRET}", "unix://u@/s.sock?db=0&password="),
        (f"http://h/?a=1&pass%77ord={SECRET}#x", "http://h/?a=1&pass%77ord=#x"),
        (f"http://h/?a=1&password={SECRET}%26b", "http://h/?a=1&password="),
        (
            f"jdbc:x://h:1433;user=u;password={{a;?{SECRET}}};a=b",
            "jdbc:x://h:1433;user=u;password=;a=b",
        ),
        (
            f"mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:{SECRET},a:b",
            "mongodb://h/?authMechanismProperties=a%3Ab",
        ),
        (
            f"mssql+pyodbc://?odbc_connect={quote_plus(f'DRIVER={{x}};UID=u;PWD={SECRET}')}",
            f"mssql+pyodbc://?odbc_connect={quote_plus('DRIVER={x};UID=u;PWD=')}",
        ),
    ],
)
def test_secrets_of_urls_are_left_out(url, cleaned):
    assert url_without_secrets(url) == cleaned
    assert has_secret({"url": url})
    assert without_secrets({"url": [url.encode()]}) == {"url": [cleaned.encode()]}


@pytest.mark.parametrize(
    "url",
    [
        "redis://host:6379/0?client_name=a@b",
        "redis://[::1]:6379/0?client_name=a@b",
        "mongodb://h1:1,h2:2/db?appName=a@b",
        "http://host:9200/path@x",
        "http://user@host/?q=a%20b&empty=",
        "host=a port=1 dbname=b",
        "DRIVER={SQLite3};Database=/x y;",
        "Basic plan",
        "-----BEGIN CERTIFICATE-----\nabcpwd==\n-----END CERTIFICATE-----",
        "",
    ],
)
def test_texts_without_secrets_stay_as_they_are(url):
    assert url_without_secrets(url) == url
    assert not has_secret({"url": url})


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"host=h password='x y\\'{SECRET}' port=1", "host=h password= port=1"),
        (f"host=h password = x{SECRET} port=1", "host=h password =  port=1"),
        (f"host=h password='a;b;{SECRET}' port=1", "host=h password= port=1"),
        (f"host=h password=a;b=c{SECRET} port=1", "host=h password= port=1"),
        (f"host=h password=x\\ y{SECRET}", "host=h password="),
        (f"PWD=a {SECRET}", "PWD="),
        (f"DRIVER={{x}};PWD={{a;b}}}}c{SECRET}}};UID=u", "DRIVER={x};PWD=;UID=u"),
        (f"DRIVER={{x}};PWD=a b=c {SECRET};UID=u", "DRIVER={x};PWD=;UID=u"),
        (f"UID=u;Pwd = {{a;{SECRET}", "UID=u;Pwd = "),
        (f"UID=u;PWD={{a}}{SECRET};X=y", "UID=u;PWD=;X=y"),
        (f"Server=tcp://u:{SECRET}@h;UID=u", "Server=tcp://u@h;UID=u"),
        (f"Authorization: Bearer {SECRET}", ""),
        (f"Bearer {SECRET}", ""),
        (KEY, ""),
    ],
)
def test_secrets_of_connect_strings_and_headers_are_left_out(text, cleaned):
    assert url_without_secrets(text) == cleaned
    assert has_secret({"text": text})


@pytest.mark.parametrize("make", [list, tuple, set, frozenset])
def test_containers_are_looked_into(make):
    cleaned = without_secrets({"hosts": make([f"http://u:{SECRET}@h", "http://i"])})

    assert cleaned == {"hosts": make(["http://u@h", "http://i"])}
    assert type(cleaned["hosts"]) is make


def test_mappings_are_looked_into():
    headers = OrderedDict(Authorization=f"Basic {SECRET}", Accept="*")
    nested = {"a": [{"b": ({"token": SECRET, "c": 1},)}]}

    cleaned = without_secrets({"headers": headers, "more": MappingProxyType(nested)})

    assert cleaned == {"headers": {"Accept": "*"}, "more": {"a": [{"b": ({"c": 1},)}]}}


def test_pairs_and_named_tuples_are_looked_into():
    cleaned = without_secrets(
        {"headers": [("Authorization", SECRET), ("Accept", "*")], "login": Login("u", SECRET)}
    )

    assert cleaned == {"headers": [("Accept", "*")], "login": Login("u", None)}
    assert type(cleaned["login"]) is Login


def test_what_gives_nothing_away_stays():
    parameters = {"password": None, "token": "", "passcode_in_password": False, "auth": b""}

    assert without_secrets(parameters) == parameters
    assert not has_secret(parameters)


def test_secrets_of_any_type_are_left_out():
    assert without_secrets({"passcode": 123456, "auth": ("u", SECRET), "db": 0}) == {"db": 0}


def test_other_objects_stay_the_same():
    parameters = {"path": Path("x"), "kind": dict, "plan": Plan.SMALL, "aware": TokenAwarePolicy()}

    cleaned = without_secrets(parameters)

    assert all(cleaned[name] is value for name, value in parameters.items())


def test_an_object_that_may_hold_a_secret_is_refused():
    with pytest.raises(RefusalError, match=r"'source' is a PasswordProvider.*\"source\": \.\.\."):
        without_secrets({"source": PasswordProvider()})

    assert without_secrets({"password": PasswordProvider(), "source": PasswordProvider}) == {
        "source": PasswordProvider
    }


PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@given(PASSWORDS.map(lambda password: SECRET + password))
def test_no_quoted_password_gets_through(password):
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    for text in (
        f"redis://user:{quote(password, safe='')}@host:1/0",
        f"host=h password='{escaped}' port=1",
        f"UID=u;PWD={{{password.replace('}', '}}')}}};X=y",
        f"http://h/?password={quote_plus(password)}&x=y",
    ):
        cleaned = url_without_secrets(text)

        assert SECRET not in cleaned
        assert cleaned.startswith(("redis://user@host:1/0", "host=h ", "UID=u;", "http://h/?"))
        assert cleaned.endswith(("/0", " port=1", ";X=y", "&x=y"))


@given(PASSWORDS)
def test_no_unquoted_password_gets_through_that_a_driver_can_tell_from_a_host(password):
    # For all who read URLs, a number up to a slash is a port, and what is before an @ up to a
    # slash is no part of the host.
    assume(not re.match(r"\d*(,.*)?[/?#]", password))
    assume(not re.search(r"@.*[/?#]", password, re.DOTALL))

    assert SECRET not in url_without_secrets(f"redis://user:{password}{SECRET}@host/0")


def test_secrets_are_given_alone_or_with_other_parameters():
    known = {"host": "h", "password": None}

    assert with_secrets(known, None, "x.Y") == known
    assert with_secrets(known, SECRET, "x.Y") == {"host": "h", "password": SECRET}
    assert with_secrets(known, SECRET.encode(), "x.Y", "token")["token"] == SECRET
    assert with_secrets(known, {"host": "i", "a": 1}, "x.Y") == {**known, "host": "i", "a": 1}
    assert with_secrets(known, {"address": "i"}, "x.Y", aliases={"address": "host"}) == {
        "host": "i",
        "password": None,
    }


@pytest.mark.parametrize("auth", [1, ["hunter22"], {1: "hunter22"}, object()])
def test_any_other_secret_is_refused_without_showing_it(auth):
    with pytest.raises(RefusalError, match=r"^x.Y takes its token or a dict of arg") as caught:
        with_secrets({}, auth, "x.Y", "token")

    assert SECRET not in str(caught.value)
