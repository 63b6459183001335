"""What can go wrong, as types.

    CucumberError
    ├── SerializationError      also a pickle.PicklingError
    ├── DeserializationError    also a pickle.UnpicklingError
    └── RefusalError            a handler's reason and remedy, found as the __cause__

Both chain the error that stopped them as their `__cause__`.
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


class RefusalError(CucumberError):
    """A handler cannot serialise this one object; the text is the reason and the remedy."""
