"""cassandra-driver: clusters and sessions arrive as Reconnectors with their settings.

A session connects when it is asked to, with its keyspace; sessions of one cluster share it again.
Load balancing policies, which a cluster fills with its hosts, arrive as they were configured. What
the driver keeps on the way (metadata, prepared statements) is found out anew; profiles for graphs
are those of the default.

As auth they take the password of a `PlainTextAuthProvider`, or a dict of arguments of `Cluster`.
Other auth providers, `ssl_context`, `column_encryption_policy` and `endpoint_factory` do not
travel and are to be given so.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    added_attributes,
    connect_held,
    driver_type,
    holding,
    import_type,
    make,
    name_of,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer, reducer_with_state

TYPE_KEY = "cassandra.cluster.Session"

_ARGUMENTS = (
    "address_translator",
    "allow_beta_protocol_version",
    "application_name",
    "application_version",
    "compression",
    "connect_timeout",
    "connection_class",
    "contact_points",
    "control_connection_timeout",
    "conviction_policy_factory",
    "cql_version",
    "idle_heartbeat_interval",
    "idle_heartbeat_timeout",
    "max_schema_agreement_wait",
    "metrics_enabled",
    "monitor_reporting_enabled",
    "monitor_reporting_interval",
    "no_compact",
    "port",
    "prepare_on_all_hosts",
    "reconnection_policy",
    "reprepare_on_up",
    "schema_event_refresh_window",
    "sockopts",
    "ssl_options",
    "status_event_refresh_window",
    "topology_event_refresh_window",
)
_NOT_SENT = ("auth_provider", "column_encryption_policy", "ssl_context")
_OF_CLUSTER = frozenset(
    {
        *_ARGUMENTS,
        *_NOT_SENT,
        "client_id",
        "cloud",
        "control_connection",
        "endpoint_factory",
        "endpoints_resolved",
        "executor",
        "metadata",
        "metrics",
        "profile_manager",
        "protocol_version",
        "scheduler",
        "sessions",
        "timestamp_generator",
    }
)
_OF_SESSION = frozenset(
    {"client_protocol_handler", "cluster", "encoder", "hosts", "keyspace", "session_id"}
)
_LEGACY = (
    "default_consistency_level",
    "default_serial_consistency_level",
    "default_timeout",
    "row_factory",
)
_DEFAULT_PROFILE = "EXEC_PROFILE_DEFAULT"

# By the policy's name: the attributes that keep the arguments it is made from.
_POLICIES = {
    "DCAwareRoundRobinPolicy": ("local_dc", "used_hosts_per_remote_dc"),
    "DSELoadBalancingPolicy": ("_child_policy",),
    "DefaultLoadBalancingPolicy": ("_child_policy",),
    "HostFilterPolicy": ("_child_policy", "_predicate"),
    "RoundRobinPolicy": (),
    "TokenAwarePolicy": ("_child_policy", "shuffle_replicas"),
    "WhiteListRoundRobinPolicy": ("_allowed_hosts",),
}


def reduce_cluster(cluster: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that the cluster keeps, without secrets."""
    from cassandra.cluster import Cluster

    return (_needs_secret(cluster),), {
        "type": own_type(cluster, Cluster),
        "user": getattr(cluster.auth_provider, "username", None),
        "arguments": without_secrets(_arguments(cluster)),
        "profiles": _profiles(cluster),
        "user_types": {name: dict(types) for name, types in cluster._user_types.items()},
        "is_shut_down": cluster.is_shutdown,
        "added": _public(added_attributes(cluster, Cluster, _OF_CLUSTER)),
    }


def _arguments(cluster: Any) -> dict[str, Any]:
    from cassandra.cluster import _ConfigMode

    control = cluster.control_connection
    arguments = {
        **{name: getattr(cluster, name) for name in _ARGUMENTS},
        "executor_threads": cluster.executor._max_workers,
        "schema_metadata_enabled": getattr(control, "_schema_meta_enabled", True),
        "token_metadata_enabled": getattr(control, "_token_meta_enabled", True),
        "timestamp_generator": cluster.timestamp_generator,
    }
    if getattr(cluster, "_protocol_version_explicit", False):
        arguments["protocol_version"] = cluster.protocol_version
    if cluster._config_mode == _ConfigMode.LEGACY:
        arguments["load_balancing_policy"] = cluster.load_balancing_policy
        arguments["default_retry_policy"] = cluster.default_retry_policy
    if cluster.cloud is not None:  # which says where to connect
        del arguments["contact_points"], arguments["ssl_options"]
        arguments["cloud"] = cluster.cloud
    return arguments


def _profiles(cluster: Any) -> dict[str, Any] | None:
    """Return the profiles by name; None if there are none of the user's."""
    import cassandra.cluster

    if cluster._config_mode != cassandra.cluster._ConfigMode.PROFILES:
        return None
    default = getattr(cassandra.cluster, _DEFAULT_PROFILE)
    return {
        _DEFAULT_PROFILE if name is default else name: profile
        for name, profile in cluster.profile_manager.profiles.items()
        if name is default or isinstance(name, str)
    }


def _needs_secret(cluster: Any) -> bool:
    from cassandra.connection import DefaultEndPointFactory

    if cluster.cloud is not None:  # its bundle is a file
        return cluster.auth_provider is not None
    has_own_factory = type(cluster.endpoint_factory) is not DefaultEndPointFactory
    return has_own_factory or any(getattr(cluster, name, None) is not None for name in _NOT_SENT)


def _public(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if not name.startswith("_")}


def rebuild_cluster(needs_secret: bool) -> Reconnector:
    """Make what stands for a cluster."""
    return Reconnector(TYPE_KEY, connect_cluster, needs_secret=needs_secret, is_broken=is_shut_down)


def connect_cluster(description: dict[str, Any], auth: Any) -> Any:
    """Make a cluster; its sessions connect."""
    import warnings

    import cassandra.cluster
    from cassandra.auth import PlainTextAuthProvider

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY)
    if auth is not None and not isinstance(auth, dict) and description["user"] is None:
        raise RefusalError('its user is not known; give {"username": ..., "password": ...}')
    user = arguments.pop("username", description["user"])
    if "password" in arguments:
        arguments["auth_provider"] = PlainTextAuthProvider(user, arguments.pop("password"))
    profiles = description["profiles"]
    if profiles is not None:
        arguments.setdefault(
            "execution_profiles",
            {
                getattr(cassandra.cluster, name) if name == _DEFAULT_PROFILE else name: profile
                for name, profile in profiles.items()
            },
        )
    with warnings.catch_warnings():
        # What was used there is said there to be deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        cluster = make(
            description["type"], cassandra.cluster.Cluster, description["added"], **arguments
        )
    for keyspace, types in description["user_types"].items():
        for name, kind in types.items():
            cluster.register_user_type(keyspace, name, kind)
    if description["is_shut_down"]:
        cluster.shutdown()
    return cluster


def reduce_session(session: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the cluster, which others may share, the keyspace and the settings."""
    kind = type(session)
    return (_needs_secret(session.cluster),), {
        "cluster": holding(session.cluster),
        "keyspace": session.keyspace,
        "legacy": {
            name: getattr(session, name)
            for name in _LEGACY
            if getattr(session, f"_{name}") is not getattr(kind, f"_{name}")
        },
        "settings": _public(added_attributes(session, kind, _OF_SESSION)),
    }


def rebuild_session(needs_secret: bool) -> Reconnector:
    """Make what stands for a session."""
    return Reconnector(TYPE_KEY, connect_session, needs_secret=needs_secret, is_broken=is_shut_down)


def connect_session(description: dict[str, Any], auth: Any) -> Any:
    """Connect to the cluster; blocks while it does."""
    session = connect_held(description["cluster"], auth).connect(description["keyspace"])
    for name, value in description["legacy"].items():
        session._validate_set_legacy_config(name, value)  # the property warns
    vars(session).update(description["settings"])
    return session


def is_shut_down(resource: Any) -> bool:
    """Tell whether a cluster or a session has been shut down; else it connects again by itself."""
    return bool(resource.is_shutdown)


def reduce_policy(policy: Any) -> tuple[Any, ...]:
    """Send the arguments that a load balancing policy was made from."""
    base = driver_type(policy, REDUCERS)
    arguments = [getattr(policy, name) for name in _POLICIES[base.__name__]]
    return (
        name_of(base),
        own_type(policy, base),
        arguments,
        _public(added_attributes(policy, base, vars(base(*arguments)))),
    )


def rebuild_policy(
    base: str, kind: type | None, arguments: list[Any], added: dict[str, Any]
) -> Any:
    """Make a load balancing policy that no cluster has filled."""
    return make(kind, import_type(base), added, *arguments)


_RESULT = refusing("it is yet to be read; send the rows (list(result)), or the session")

REDUCERS: dict[str, Reducer] = {
    "cassandra.cluster.Cluster": reducer_with_state(
        reduce_cluster, rebuild_cluster, set_description
    ),
    "cassandra.cluster.Session": reducer_with_state(
        reduce_session, rebuild_session, set_description
    ),
    "cassandra.cluster.ResultSet": _RESULT,
    "cassandra.cluster.ResponseFuture": _RESULT,
    **dict.fromkeys(
        (f"cassandra.policies.{name}" for name in _POLICIES),
        reducer(reduce_policy, rebuild_policy),
    ),
}
