"""TLS: a connection cannot be opened anew, because the keys of its context do not travel."""

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue


def refuse_socket(pickler: object, sock: object) -> ReduceValue:
    """Say why a TLS socket cannot be opened anew."""
    raise RefusalError(
        "the context of a TLS connection holds keys, which do not travel; send host and port, and "
        "connect there"
    )


REDUCERS: dict[str, Reducer] = {"ssl.SSLSocket": refuse_socket}
