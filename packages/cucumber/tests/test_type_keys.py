import pytest

from suitkaise.cucumber._type_keys import TYPE_KEYS, auth_for, check_auth


@pytest.mark.parametrize("type_key", TYPE_KEYS)
def test_every_known_type_is_accepted(type_key):
    check_auth({type_key: {"*": "secret"}})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("psycopg2.Conection", "psycopg2.Connection"),
        ("psycopg2.connection", "psycopg2.Connection"),
        ("psycopg3.Connection", "psycopg2.Connection"),
        ("sqlite.Connection", "sqlite3.Connection"),
        ("sqlite3.Conection", "sqlite3.Connection"),
        ("redis.redis", "redis.Redis"),
        ("socket.Socket", "socket.socket"),
        ("threading.thread", "threading.Thread"),
    ],
)
def test_a_close_misspelling_is_an_error_that_says_what_was_meant(written, meant):
    with pytest.raises(ValueError, match="did you mean") as caught:
        check_auth({written: {"*": "secret"}})

    assert repr(written) in str(caught.value)
    assert "secret" not in str(caught.value)
    # Two known types may be equally near.
    assert meant.partition(".")[2] in str(caught.value)


@pytest.mark.parametrize(
    "type_key", ["vault.Client", "mylib.Connection", "pytest.Connection", "hypothesis.Redis", ""]
)
def test_a_type_that_resembles_none_may_have_a_reconnector_of_the_user_s(type_key):
    check_auth({type_key: {"*": "secret"}})


@pytest.mark.parametrize("by_name", ["hunter2", None, ["hunter2"], {1: "hunter2"}])
def test_secrets_that_are_not_given_by_name_are_an_error_that_shows_none(by_name):
    with pytest.raises(TypeError, match="by attribute name") as caught:
        check_auth({"redis.Redis": by_name})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "default"),
        (["main_db"], "default"),
        (["analytics_db"], "special"),
        (["pools", "analytics_db"], "special"),
        (["analytics_db", "inner"], "special"),
        (["analytics_db", "deep"], "deeper"),
    ],
)
def test_the_nearest_name_counts_and_the_star_is_for_all_others(names, expected):
    auth = {"a.B": {"*": "default", "analytics_db": "special", "deep": "deeper"}}

    assert auth_for(auth, "a.B", names) == expected


def test_a_type_that_is_given_nothing_gets_nothing():
    assert auth_for({"a.B": {"x": "secret"}}, "a.B", ["y"]) is None
    assert auth_for({}, "a.B", ["y"]) is None
