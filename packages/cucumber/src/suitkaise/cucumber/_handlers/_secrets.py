"""What must not travel of a connection's parameters, and how it is given again.

A secret is

    a parameter whose name says so                  password=..., {"Authorization": ...}
    the password inside a URL                       redis://user:password@host
    a secret parameter of a URL or connect string   ?authToken=...  PWD={a;b}  password='x y'
    a text that shows itself to be one              "Bearer ...", a private key
    what follows an option of a command             --password x

and it is left out with its name. An object that may hold one is refused. What reconnects is given
either the secret itself or a dict of parameters that replace the ones which travelled.
"""

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from suitkaise.cucumber._errors import RefusalError

# Parts of a name, without regard to case, underscores, hyphens and spaces.
_SECRET = re.compile(
    r"passw|passcode|passphrase|keypass|pwd$|secret|token|apikey|privatekey|accesskey|accountkey"
    r"|encryptionkey|scram(?:client|server)key|^auth$|basicauth|bearer|httpauth|authorization|cookie|credential"
)
_SECRET_TYPE = re.compile(
    r"(?:auth|password|passphrase|secret|token|apikey|privatekey|credential)"
    r"(?:s|str|bytes|value|provider|manager)*$"
)
_PASS = re.compile(r"(?:^|[_ -])pass$")
# What only says where a secret is to be found may travel.
_PLACE = re.compile(r"(?:file|path|url)$")
_SECRET_TEXT = re.compile(
    r"(?i)^\s*(?:basic|bearer|token|apikey)\s+[\w+/=.~:-]{8,}\s*$"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bauthorization\s*:"
)
# A value in braces or quotes may have any character in it; the sign that closes it is doubled, or
# has a backslash before it. Where it is missing, all that follows is taken for the value.
_QUOTED = r"""(?:\{(?:[^}]|\}\})*(?:\}|$)|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")"""
# Up to the next separator: ODBC and JDBC (semicolons), URLs (ampersands), libpq (spaces; words that
# no name follows belong to the value).
_ASSIGNMENTS = {
    ";": re.compile(rf"(?<![\w -])([\w -]{{1,64}}?)(\s*=\s*)({_QUOTED}[^;]*|[^;]*)"),
    "&": re.compile(r"([\w%.+\[\]-]+)(=)([^&;#]*)"),
    " ": re.compile(
        rf"(?<![\w-])([\w-]{{1,64}})(\s*=\s*)"
        rf"({_QUOTED}\S*|(?:\\.|[^\s\\])*(?:\s+(?![\w-]+\s*=)\S+)*)"
    ),
}

_OPTION = re.compile(rf"(?<!\S)(--?[\w-]+)(\s+)({_QUOTED}|[^\s-]\S*)")


def is_secret(name: str) -> bool:
    """Tell whether a parameter's name says that its value is a secret."""
    name = name.casefold()
    plain = re.sub("[_ -]", "", name)
    is_named_so = _SECRET.search(plain) is not None or _PASS.search(name) is not None
    return is_named_so and _PLACE.search(plain) is None


def without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the secrets of a connection's parameters, also those inside texts and containers.

    Raises:
        RefusalError: If there is an object that may hold a secret, such as a credential provider.
    """
    return _Cleaner().clean_mapping(parameters)


def has_secret(parameters: Mapping[str, Any]) -> bool:
    """Tell whether there is a secret among a connection's parameters."""
    cleaner = _Cleaner()
    cleaner.clean_mapping(parameters)
    return bool(cleaner.secrets)


def secrets_in(text: str) -> set[str]:
    """Return the secrets inside a URL, a connect string or a header, as written and as meant."""
    cleaner = _Cleaner()
    cleaner.clean_text(text)
    found = {each for each in cleaner.secrets if isinstance(each, str)}
    plain = {each.strip("'\"{}") for each in found}
    return found | plain | {unquote_plus(each) for each in plain}


def url_without_secrets(url: str) -> str:
    """Leave out the password of a URL, and the secret parameters of a URL or a connect string."""
    return _Cleaner().clean_text(url)


def command_without_secrets(command: Any) -> Any:
    """Leave out the secrets of a command: a text for a shell, or a program and its arguments.

    A text stays a text, and arguments keep their places. A secret that no name announces, as in
    `-px`, cannot be told from any other argument.
    """
    if not isinstance(command, list | tuple):
        return _clean_argument(command)
    option: Any = None
    cleaned: list[Any] = []
    for argument in command:
        is_secret_value = _is_secret_option(option) and not _is_option(argument)
        cleaned.append(argument[:0] if is_secret_value else _clean_argument(argument))
        option = argument
    return cleaned if isinstance(command, list) else tuple(cleaned)


def _clean_argument(argument: Any) -> Any:
    if isinstance(argument, bytes):
        return os.fsencode(_clean_argument(os.fsdecode(argument)))
    if not isinstance(argument, str):
        return argument
    text = _OPTION.sub(
        lambda found: found[1] + found[2] if _is_secret_option(found[1]) else found[0], argument
    )
    return url_without_secrets(text)


def _is_option(argument: Any) -> bool:
    return not isinstance(argument, str | bytes) or argument[:1] in {"-", b"-"}


def _is_secret_option(argument: Any) -> bool:
    if isinstance(argument, bytes):
        argument = os.fsdecode(argument)
    if not isinstance(argument, str) or not argument.startswith("-"):
        return False
    return "=" not in argument and not argument.startswith("--no-") and is_secret(argument)


def url_with_password(url: str, password: str) -> str:
    """Put a password into a URL that has none."""
    start, separator, rest = url.partition("://")
    hosts = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, host = hosts.rpartition("@")
    return f"{start}{separator}{user}:{quote(password, safe='')}@{host}{rest[len(hosts) :]}"


class _Cleaner:
    """Leaves out secrets.

    Attributes:
        secrets: What was left out.
    """

    def __init__(self) -> None:
        self.secrets: list[Any] = []

    def clean_mapping(self, parameters: Mapping[Any, Any]) -> dict[Any, Any]:
        """Leave out what has a secret's name, and clean the rest."""
        return {
            name: self._clean(name, value)
            for name, value in parameters.items()
            if not self._is_secret(name, value)
        }

    def clean_text(self, text: str) -> str:
        """Leave out what is secret in a URL, a connect string or a header."""
        if _SECRET_TEXT.search(text):
            self.secrets.append(text)
            return ""
        if text.startswith("-----BEGIN"):
            return text
        start, separator, rest = text.partition("://")
        if not separator or "=" in start:
            if ";" in text:  # which may as well be in a value of libpq's: then both apply
                text = self._clean_assignments(";", text)
            return self._clean_assignments(" ", text)
        rest = self._without_password(rest)
        found = re.search("[?;#]", rest)
        if found is None:
            return start + separator + rest
        end = found.end()
        kind = ";" if found[0] == ";" else "&"
        return start + separator + rest[:end] + self._clean_assignments(kind, rest[end:])

    def _is_secret(self, name: Any, value: Any) -> bool:
        # None, an empty text or a switch, such as "passcode_in_password", gives nothing away.
        if value is None or isinstance(value, bool):
            return False
        if isinstance(value, str | bytes) and not value:
            return False
        found = isinstance(name, str) and is_secret(name)
        if found:
            self.secrets.append(value)
        return found

    def _clean(self, name: Any, value: Any) -> Any:
        if isinstance(value, str):
            cleaned = self.clean_text(value)
            return value if cleaned == value else cleaned
        if isinstance(value, bytes):
            return self.clean_text(value.decode("latin-1")).encode("latin-1")
        if isinstance(value, Mapping):
            return self.clean_mapping(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            named: Any = type(value)
            fields = self.clean_mapping(dict(zip(named._fields, value, strict=True)))
            return named(*map(fields.get, named._fields))
        if isinstance(value, list | tuple | set | frozenset):
            kind: Any = next(base for base in type(value).__mro__ if base in _CONTAINERS)
            return kind(self._clean(name, each) for each in value if not self._is_pair(each))
        kind_name = type(value).__name__.casefold()
        if not isinstance(value, type) and _SECRET_TYPE.search(kind_name):
            raise RefusalError(
                f"{name!r} is a {type(value).__qualname__}, which may hold a secret; make another "
                f'there and give it to reconnect with: {{"{name}": ...}}'
            )
        return value

    def _is_pair(self, value: Any) -> bool:
        """Tell whether this is a name with its secret, as in a list of headers."""
        return (
            isinstance(value, list | tuple) and len(value) == 2 and self._is_secret(value[0], value)
        )

    def _without_password(self, rest: str) -> str:
        """Leave out the password, of a URL without its scheme.

        Hosts follow the last @ before the path. A password with an unescaped / ? or # in it ends
        the hosts too early; it shows itself by not being a port.
        """
        hosts = re.split(r"[/?#]", rest, maxsplit=1)[0]
        user, colon, port = hosts.partition(":")
        if "@" in hosts:
            end = hosts.rindex("@")
        elif colon and "@" in rest and not _is_host(user, port):
            end = rest.rindex("@")
        else:
            return rest
        user, colon, password = rest[:end].partition(":")
        if password:
            self.secrets.append(password)
        return user + rest[end:]

    def _clean_assignments(self, kind: str, text: str) -> str:
        return _ASSIGNMENTS[kind].sub(lambda found: self._clean_assignment(kind, found), text)

    def _clean_assignment(self, kind: str, found: re.Match[str]) -> str:
        name, sign, value = found.groups()
        is_url = kind == "&"
        if value and is_secret(unquote_plus(name) if is_url else name.strip()):
            self.secrets.append(value)
            return f"{name}{sign}"
        if not is_url:
            return f"{name}{sign}{self.clean_text(value)}" if "://" in value else found[0]
        plain = unquote_plus(value)
        # AWS_SESSION_TOKEN:..., as in MongoDB's authMechanismProperties.
        parts = [
            each for each in plain.split(",") if not self._is_secret(*_halves(each.partition(":")))
        ]
        cleaned = ",".join(parts)
        if "=" in cleaned or "://" in cleaned:  # a connect string inside of a URL
            cleaned = self.clean_text(cleaned)
        return found[0] if cleaned == plain else f"{name}{sign}{quote_plus(cleaned)}"


_CONTAINERS = (list, tuple, set, frozenset)


def _is_host(name: str, port: str) -> bool:
    """Tell whether this is the first of the hosts, and what follows its colon."""
    return name.startswith("[") or bool(name and re.fullmatch(r"\d*(?:,.*)?", port))


def _halves(parts: tuple[str, str, str]) -> tuple[str, str]:
    return parts[0], parts[2]


def with_secrets(
    parameters: Mapping[str, Any],
    auth: Any,
    type_key: str,
    secret: str = "password",
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Complete a connection's parameters.

    Args:
        parameters: What travelled.
        auth: What was given to reconnect with: None for nothing, the secret, or a dict of
            parameters.
        type_key: What is connected, for the error.
        secret: The name of the parameter that a single secret is.
        aliases: Other names of parameters; what is given by one replaces what travelled.

    Raises:
        RefusalError: If `auth` is none of these.
    """
    if auth is None:
        return dict(parameters)
    if isinstance(auth, Mapping) and all(isinstance(name, str) for name in auth):
        return {**parameters, **{aliases.get(name, name): auth[name] for name in auth}}
    if isinstance(auth, bytes):
        auth = auth.decode(errors="surrogateescape")
    if isinstance(auth, str):
        return {**parameters, secret: auth}
    raise RefusalError(
        f"{type_key} takes its {secret} or a dict of arguments, not a {type(auth).__name__}"
    )
