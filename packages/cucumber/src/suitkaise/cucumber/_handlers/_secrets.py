"""What must not travel of a connection's parameters, and how it is given again.

A secret is a parameter whose name says so, and the password inside a URL. What reconnects is given
either the secret itself or a dict of parameters that replace the ones which travelled.
"""

import re
from collections.abc import Mapping
from typing import Any

from suitkaise.cucumber._errors import RefusalError

# Parts of a parameter's name, without regard to case and underscores.
_SECRET = re.compile(
    r"passw|passcode|passphrase|^pwd$|secret|token|apikey|privatekey|sslkey(?!file)|accesskey"
    r"|credential|^auth$|basicauth|bearer|httpauth|cookie"
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/?#@\s]*):([^/?#\s]*)@")
_URL_PARAMETER = re.compile(r"([?&;])([^=&;#\s]+)=([^&;#\s]*)")


def is_secret(name: str) -> bool:
    """Tell whether a parameter's name says that its value is a secret."""
    return _SECRET.search(name.casefold().replace("_", "").replace("-", "")) is not None


def without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the secrets of a connection's parameters, and those inside of URLs and dicts."""
    return {name: _without(value) for name, value in parameters.items() if not is_secret(str(name))}


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return url_without_secrets(value)
    if type(value) is dict:
        return without_secrets(value)
    if type(value) in (list, tuple):
        return type(value)(map(_without, value))
    return value


def url_without_secrets(url: str) -> str:
    """Leave out the password of a URL, and secret parameters behind its question mark."""
    url = _URL_PASSWORD.sub(r"\1@", url)
    return _URL_PARAMETER.sub(
        lambda found: f"{found[1]}{found[2]}=" if is_secret(found[2]) else found[0], url
    )


def with_secrets(
    parameters: Mapping[str, Any], auth: Any, type_key: str, secret: str = "password"
) -> dict[str, Any]:
    """Complete a connection's parameters.

    Args:
        parameters: What travelled.
        auth: What was given to reconnect with: None for nothing, the secret, or a dict of
            parameters.
        type_key: What is connected, for the error.
        secret: The name of the parameter that a single secret is.

    Raises:
        RefusalError: If `auth` is none of these.
    """
    if auth is None:
        return dict(parameters)
    if isinstance(auth, Mapping):
        return {**parameters, **auth}
    if isinstance(auth, str | bytes):
        return {**parameters, secret: auth}
    raise RefusalError(
        f"{type_key} takes its {secret} or a dict of arguments, not a {type(auth).__name__}"
    )
