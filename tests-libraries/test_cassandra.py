import contextlib
import ssl
import uuid

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

cassandra = pytest.importorskip("cassandra")
cluster_module = pytest.importorskip("cassandra.cluster")

from cassandra import ConsistencyLevel, policies, query  # noqa: E402
from cassandra.auth import AuthProvider, PlainTextAuthProvider  # noqa: E402
from cassandra.cluster import (  # noqa: E402
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    Session,
)

SECRET = "hunter22"

# Of the driver, about the old ways that are to arrive too.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(ssl_options without|Legacy execution):DeprecationWarning"
)


class NamedCluster(Cluster):
    def __init__(self, purpose):
        super().__init__(["127.0.0.1"], auth_provider=PlainTextAuthProvider("ann", SECRET))
        self.purpose = purpose


class OurProvider(AuthProvider):
    pass


@pytest.fixture
def made():
    """Make a cluster, which does not connect."""
    with contextlib.ExitStack() as stack:

        def closing(cluster):
            stack.callback(cluster.shutdown)
            return cluster

        def make(*arguments, **keywords):
            return closing(Cluster(*(arguments or (["127.0.0.1"],)), **keywords))

        make.closing = closing
        yield make


@pytest.fixture
def connects(monkeypatch):
    """Let a cluster connect without a server: note the keyspace, and return a session."""
    asked = []

    def connect(cluster, keyspace=None):
        asked.append((cluster, keyspace))
        return session_of(cluster, keyspace)

    monkeypatch.setattr(Cluster, "connect", connect)
    return asked


def session_of(cluster, keyspace=None):
    """Make a session as a connected one is, but for its hosts."""
    session = Session.__new__(Session)
    session.cluster, session.keyspace, session.hosts = cluster, keyspace, []
    session.session_id, session._pools = uuid.uuid4(), {}
    session._profile_manager = cluster.profile_manager
    return session


@pytest.mark.comes_back(
    "cassandra.cluster.Session",
    "cassandra.cluster.Cluster",
    how="as a Reconnector with the same settings and keyspace; sessions still share their cluster",
)
def test_a_cluster_is_made_with_its_settings(made, travel):
    cluster = made(
        ["127.0.0.1", "127.0.0.2"],
        port=7,
        auth_provider=PlainTextAuthProvider("ann", SECRET),
        protocol_version=4,
        connect_timeout=3,
        executor_threads=1,
        idle_heartbeat_interval=11,
        application_name="ours",
        schema_metadata_enabled=False,
        ssl_options={"ca_certs": "/x.pem"},
        reconnection_policy=policies.ConstantReconnectionPolicy(2.5),
    )

    copied = made.closing(travel(cluster, SECRET).reconnect(SECRET))

    for name in (
        *("contact_points", "port", "protocol_version", "connect_timeout", "application_name"),
        *("idle_heartbeat_interval", "ssl_options", "connection_class", "compression"),
    ):
        assert getattr(copied, name) == getattr(cluster, name)
    assert copied.executor._max_workers == 1
    assert not copied.control_connection._schema_meta_enabled
    assert copied.reconnection_policy.delay == 2.5
    assert (copied.auth_provider.username, copied.auth_provider.password) == ("ann", SECRET)


def test_profiles_arrive_with_their_policies_as_they_were_configured(made, travel):
    white = policies.WhiteListRoundRobinPolicy(["127.0.0.1"])
    aware = policies.TokenAwarePolicy(policies.DCAwareRoundRobinPolicy("here", 2), True)
    cluster = made(
        ["127.0.0.1"],
        execution_profiles={
            EXEC_PROFILE_DEFAULT: ExecutionProfile(aware, row_factory=query.dict_factory),
            "slow": ExecutionProfile(
                white, request_timeout=99, consistency_level=ConsistencyLevel.QUORUM
            ),
        },
    )
    cluster.profile_manager.populate(cluster, [])  # as a connected one has them

    copied = made.closing(travel(cluster).reconnect())

    profiles = copied.profile_manager.profiles
    aware = profiles[EXEC_PROFILE_DEFAULT].load_balancing_policy
    assert profiles[EXEC_PROFILE_DEFAULT].row_factory is query.dict_factory
    assert (type(aware), aware.shuffle_replicas) == (policies.TokenAwarePolicy, True)
    assert aware._child_policy.local_dc == "here"
    assert aware._child_policy.used_hosts_per_remote_dc == 2
    assert aware._cluster_metadata is None
    assert profiles["slow"].load_balancing_policy._allowed_hosts == ("127.0.0.1",)
    assert profiles["slow"].request_timeout == 99
    assert profiles["slow"].consistency_level == ConsistencyLevel.QUORUM


def test_policies_given_in_the_old_way_arrive(made, travel):
    cluster = made(
        ["127.0.0.1"],
        load_balancing_policy=policies.RoundRobinPolicy(),
        default_retry_policy=policies.FallthroughRetryPolicy(),
    )

    copied = made.closing(travel(cluster).reconnect())

    assert type(copied.load_balancing_policy) is policies.RoundRobinPolicy
    assert type(copied.default_retry_policy) is policies.FallthroughRetryPolicy


def test_a_session_connects_with_its_keyspace_and_settings(made, travel, connects):
    session = session_of(made(), "ours")
    session.row_factory = query.tuple_factory
    session.default_timeout = 3.5
    session.default_fetch_size = 7
    session.purpose = "reports"

    copied = travel(session).reconnect()

    made.closing(copied.cluster)
    assert connects == [(copied.cluster, "ours")]
    assert copied.row_factory is query.tuple_factory
    assert (copied.default_timeout, copied.default_fetch_size) == (3.5, 7)
    assert copied.purpose == "reports"


def test_sessions_share_their_cluster(made, travel, connects):
    cluster = made(auth_provider=PlainTextAuthProvider("ann", SECRET))
    sessions = [session_of(cluster, "one"), session_of(cluster, "two"), cluster]

    one, two, cluster = reconnect_all(
        travel(sessions, SECRET), **{"cassandra.cluster.Session": {"*": SECRET}}
    )

    made.closing(cluster)
    assert one.cluster is two.cluster is cluster
    assert connects == [(cluster, "one"), (cluster, "two")]


def test_a_session_that_is_shut_down_is_connected_again(made, travel, connects):
    from suitkaise.cucumber._reconnection import Resources

    resources = Resources(travel([session_of(made())]), start_threads=False, auth={})
    resources.connect()
    (first,) = resources.owner
    first.is_shutdown = True
    first.cluster.shutdown()

    resources.connect()

    (second,) = resources.owner
    made.closing(second.cluster)
    assert second is not first
    assert second.cluster is not first.cluster


def test_a_server_that_is_away_is_an_error(made, travel):
    from servers._server import free_port

    cluster = made(["127.0.0.1"], port=free_port(), connect_timeout=5)
    reconnector = travel(session_of(cluster, "ours"))

    with pytest.raises(ReconnectError, match="NoHostAvailable"):
        reconnector.reconnect()

    made.closing(reconnector._description["cluster"]["resource"].reconnect())


def test_a_secret_is_needed_where_one_was_used(made, travel):
    session = session_of(made(auth_provider=PlainTextAuthProvider("ann", SECRET)))

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(session, SECRET).execute("SELECT 1")


@pytest.mark.parametrize(
    "auth", [{"auth_provider": OurProvider()}, {"username": "ann", "password": SECRET}]
)
def test_another_provider_can_be_given(made, travel, auth):
    reconnector = travel(made(auth_provider=OurProvider()))

    with pytest.raises(ReconnectError, match="its user is not known"):
        reconnector.reconnect(SECRET)
    copied = made.closing(reconnector.reconnect(auth))

    assert isinstance(copied.auth_provider, OurProvider | PlainTextAuthProvider)


def test_a_context_does_not_travel_and_can_be_given(made, travel):
    context = ssl.create_default_context()
    reconnector = travel(made(ssl_context=context))

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.connect()
    assert made.closing(reconnector.reconnect({"ssl_context": context})).ssl_context is context


def test_a_wrong_type_of_secret_is_refused(made, travel):
    cluster = made(auth_provider=PlainTextAuthProvider("ann", SECRET))

    with pytest.raises(ReconnectError, match=r"takes its password or a dict .*, not a int"):
        travel(cluster).reconnect(5)


def test_a_subclass_keeps_its_type_and_attributes(made, travel):
    copied = made.closing(travel(made.closing(NamedCluster("logs")), SECRET).reconnect(SECRET))

    assert (type(copied).__name__, copied.purpose) == ("NamedCluster", "logs")


def test_types_of_the_user_arrive(made, travel):
    cluster = made()
    cluster.register_user_type("ours", "address", dict)

    copied = made.closing(travel(cluster).reconnect())

    assert copied._user_types["ours"] == {"address": dict}


@pytest.mark.comes_back(
    "cassandra.cluster.ResultSet",
    "cassandra.cluster.ResponseFuture",
    how="refused: they are yet to be read; send the rows, or the session",
)
def test_results_are_refused():
    with pytest.raises(SerializationError, match=r"list\(result\)"):
        serialize(cluster_module.ResultSet.__new__(cluster_module.ResultSet))


def test_a_cluster_in_another_process(made, elsewhere):
    cluster = made(auth_provider=PlainTextAuthProvider("ann", SECRET))
    lines = """
cluster = value.reconnect("hunter22")
print(cluster.auth_provider.username, cluster.contact_points)
cluster.shutdown()
"""

    assert elsewhere(cluster, lines) == "ann ['127.0.0.1']"
