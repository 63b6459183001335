"""What can go wrong, as types.

    CucumberError
    ├── SerializationError      also a pickle.PicklingError
    ├── DeserializationError    also a pickle.UnpicklingError
    ├── ReconnectError          a resource could not be connected again
    └── RefusalError            a handler's reason and remedy, found as the __cause__

The first three chain the error that stopped them as their `__cause__`.
"""

import pickle


class CucumberError(Exception):
    """The root of this package's errors."""


class SerializationError(CucumberError, pickle.PicklingError):
    """An object cannot be serialised; the message says which part of it, why, and what to do.

    Attributes:
        type_name: The dotted name of the type that failed, None where it could not be told.
        path: Where it is inside the object, as Python would reach it (`.jobs[3].lock`); empty for
            the object itself, None where it could not be told.
    """

    def __init__(
        self, message: str = "", *, type_name: str | None = None, path: str | None = None
    ) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.path = path


class DeserializationError(CucumberError, pickle.UnpicklingError):
    """Bytes cannot be turned into an object; the message says why, and what to do.

    Attributes:
        type_name: The dotted name of the module or class that was missing, None where the reason
            is another one.
    """

    def __init__(self, message: str = "", *, type_name: str | None = None) -> None:
        super().__init__(message)
        self.type_name = type_name


class ReconnectError(CucumberError):
    """A resource could not be connected again; the message says which, why, and what to do.

    Attributes:
        path: Where it is, as Python would reach it (`.pools['main'].db`); empty for the object
            itself, or where it was not looked for.
        type_key: The type that it is given secrets by, such as "psycopg2.Connection".
        reason: What the driver said.
    """

    def __init__(
        self, message: str = "", *, path: str = "", type_key: str = "", reason: str = ""
    ) -> None:
        super().__init__(message)
        self.path = path
        self.type_key = type_key
        self.reason = reason


class RefusalError(CucumberError):
    """A handler cannot serve this one object; the text is the reason and the remedy."""
