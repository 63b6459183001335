"""Loggers: found by name at the receiver, with its handlers and filters.

A level that was set travels along and holds where the receiver has set none. A LoggerAdapter is
an ordinary object around its logger and needs no handler.
"""

import logging
from logging import Logger

from suitkaise.cucumber._reducer import Reducer, reducer


def reduce_logger(logger: Logger) -> tuple[str, int]:
    """Send the name and the level; the root logger's name is empty."""
    return ("" if isinstance(logger, logging.RootLogger) else logger.name), logger.level


def rebuild_logger(name: str, level: int) -> Logger:
    """Find the logger, and set its level if it still has the one that new loggers have."""
    logger = logging.getLogger(name)
    untouched = logging.NOTSET if name else logging.WARNING
    if logger.level == untouched and level != untouched:
        logger.setLevel(level)
    return logger


REDUCERS: dict[type, Reducer] = {Logger: reducer(reduce_logger, rebuild_logger)}
