import logging

import pytest

from suitkaise.cucumber import deserialize, serialize


@pytest.fixture
def logger():
    made = logging.getLogger("cucumber.tests.logger")
    yield made
    made.setLevel(logging.NOTSET)


@pytest.mark.comes_back(
    "logging.Logger",
    how="the receiver's logger of that name; a level that was set is kept",
)
def test_a_logger_is_the_receivers_logger_of_that_name(logger):
    assert deserialize(serialize(logger)) is logger
    assert deserialize(serialize(logging.getLogger())) is logging.getLogger()


def test_a_level_that_was_set_travels(logger, load_elsewhere):
    logger.setLevel(logging.ERROR)

    payload = serialize({"log": logger})

    assert load_elsewhere(payload, "print(value['log'])") == (
        "<Logger cucumber.tests.logger (ERROR)>"
    )


def test_the_receivers_own_level_holds(logger):
    logger.setLevel(logging.ERROR)
    payload = serialize(logger)

    logger.setLevel(logging.DEBUG)
    deserialize(payload)

    assert logger.level == logging.DEBUG


@pytest.mark.comes_back("logging.LoggerAdapter", how="around the receiver's logger")
def test_an_adapter_keeps_what_it_adds(logger):
    adapter = logging.LoggerAdapter(logger, {"job": 7})

    copy = deserialize(serialize(adapter))

    assert type(copy) is logging.LoggerAdapter
    assert copy.logger is logger
    assert copy.extra == {"job": 7}
