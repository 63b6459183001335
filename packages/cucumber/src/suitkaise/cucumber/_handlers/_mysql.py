"""Connections to MySQL and MariaDB: what pymysql, mysql-connector and mariadb have in common."""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._secrets import has_secret, with_secrets, without_secrets

IN_TRANSACTION_BIT = 1  # of what the server says of itself with each answer

# Other names of arguments.
ALIASES = {"db": "database", "passwd": "password", "username": "user"}


def describe_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Describe a connection's arguments; an init command with a secret in it stays behind whole."""
    lacks_command = has_secret({"init_command": arguments.get("init_command")})
    if lacks_command:
        arguments = {**arguments, "init_command": None}
    return {"arguments": without_secrets(arguments), "lacks_command": lacks_command}


def completed_arguments(description: dict[str, Any], auth: Any, type_key: str) -> dict[str, Any]:
    """Complete the arguments that travelled by what was given to reconnect with.

    Raises:
        RefusalError: If what was given is of no use, or lacks the init command.
    """
    arguments = with_secrets(description["arguments"], auth, type_key, aliases=ALIASES)
    if description["lacks_command"] and arguments.get("init_command") is None:
        raise RefusalError(
            "its init_command has a secret in it and stayed behind; give it with the password: "
            '{"password": ..., "init_command": ...}'
        )
    return arguments
