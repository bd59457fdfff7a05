"""rabbitmqadmin, the second: every group of commands."""
import json
import os

import pika
import pytest

from conftest import Admin


@pytest.fixture
def admin(broker, vhost):
    """In the test's own virtual host."""
    return Admin([os.environ["ADMIN_V2"], "--base-uri", broker.management.base, "--username", "guest",
                  "--password", "guest", "--vhost", vhost, "--non-interactive"])


@pytest.fixture
def connection(broker, vhost):
    connection = pika.BlockingConnection(pika.URLParameters(broker.url(vhost)))
    yield connection
    if connection.is_open:
        connection.close()


def node(broker):
    return broker.management.get("/api/overview")["node"]


def test_queues_and_purge(admin):
    admin("queues", "declare", "--name", "q.classic", "--arguments", '{"x-max-length": 5}')
    admin("declare", "queue", "--name", "q.quorum", "--type", "quorum", "--durable", "true")
    for listed in (admin("queues", "list"), admin("list", "queues")):
        assert "q.classic" in listed and "q.quorum" in listed
    assert "x-max-length" in admin("queues", "show", "--name", "q.classic")
    admin.refused("declare", "queue", "--name", "q.classic")
    admin("queues", "purge", "--name", "q.classic")
    admin("purge", "queue", "--name", "q.classic")
    admin("queues", "rebalance")
    admin("rebalance", "queues")
    admin("queues", "delete", "--name", "q.classic")
    admin.refused("queues", "delete", "--name", "q.classic")
    admin("delete", "queue", "--name", "q.classic", "--idempotently")
    admin("queues", "delete_multiple", "--name-pattern", "^q\\.", "--approve")
    assert "q.quorum" not in admin("queues", "list")


def test_streams(admin):
    admin("streams", "declare", "--name", "s1", "--expiration", "1D", "--max-length-bytes", "1000000")
    admin("declare", "stream", "--name", "s2", "--expiration", "1h")
    assert "s1" in admin("streams", "list")
    assert "1D" in admin("streams", "show", "--name", "s1")
    admin("streams", "delete", "--name", "s1")
    admin("delete", "stream", "--name", "s2")


def test_exchanges_and_bindings(admin):
    admin("exchanges", "declare", "--name", "x1", "--type", "topic", "--durable", "true")
    admin("declare", "exchange", "--name", "x2", "--type", "fanout")
    admin("declare", "queue", "--name", "q")
    to_queue = ["--source", "x1", "--destination-type", "queue", "--destination", "q", "--routing-key", "a.#"]
    to_exchange = ["--source", "x1", "--destination-type", "exchange", "--destination", "x2", "--routing-key", "b"]
    admin("exchanges", "bind", *to_queue)
    admin("bindings", "declare", *to_exchange, "--arguments", '{"n": 1}')
    admin("declare", "binding", *to_exchange)
    for listed in (admin("bindings", "list"), admin("list", "bindings")):
        assert "a.#" in listed and "x2" in listed
    for listed in (admin("exchanges", "list"), admin("list", "exchanges")):
        assert "x1" in listed and "amq.topic" in listed
    admin("exchanges", "unbind", *to_queue)
    admin("bindings", "delete", *to_exchange)
    admin("delete", "binding", *to_exchange, "--arguments", '{"n": 1}')
    assert "a.#" not in admin("bindings", "list")
    admin("exchanges", "delete", "--name", "x1")
    admin("delete", "exchange", "--name", "x2")


def test_messages(admin):
    admin("declare", "queue", "--name", "q")
    published = admin("publish", "message", "--routing-key", "q", "--payload", "grüße", "--properties",
                      '{"content_type": "text/plain", "headers": {"n": 1}}')
    assert "routed successfully" in published
    assert "grüße" in admin("get", "messages", "--queue", "q", "--count", "3", "--ack-mode", "ack_requeue_true")
    assert "grüße" in admin("get", "messages", "--queue", "q")
    assert "grüße" not in admin("get", "messages", "--queue", "q")


def test_vhosts(admin):
    admin("vhosts", "declare", "--name", "v/1", "--default-queue-type", "quorum", "--description", "of a judge")
    admin("declare", "vhost", "--name", "v2", "--tracing")
    for listed in (admin("vhosts", "list"), admin("list", "vhosts")):
        assert "v/1" in listed and "of a judge" in listed
    admin("vhosts", "enable_deletion_protection", "--name", "v/1")
    admin.refused("vhosts", "delete", "--name", "v/1")
    admin("vhosts", "disable_deletion_protection", "--name", "v/1")
    admin("vhosts", "delete", "--name", "v/1")
    admin("vhosts", "delete_multiple", "--name-pattern", "^v2$", "--approve")
    admin("delete", "vhost", "--name", "v2", "--idempotently")


def test_users_permissions_and_passwords(admin, broker, vhost):
    hashed = admin("passwords", "salt_and_hash", "secret").split()[-1]
    assert len(hashed) > 40
    admin("users", "declare", "--name", "u1", "--password", "secret", "--tags", "monitoring")
    admin("declare", "user", "--name", "u2", "--password-hash", hashed, "--tags", "")
    for listed in (admin("users", "list"), admin("list", "users")):
        assert "u1" in listed and "monitoring" in listed and "u2" in listed
    admin("permissions", "declare", "--username", "u1", "--configure", "^c", "--read", ".*", "--write", "")
    admin("declare", "permissions", "--username", "u2", "--configure", ".*", "--read", ".*", "--write", ".*")
    for listed in (admin("permissions", "list"), admin("list", "permissions"), admin("users", "permissions")):
        assert "^c" in listed and "u2" in listed
    # The password of the hash opens a connection.
    pika.BlockingConnection(pika.URLParameters(broker.url(vhost, "u2", "secret"))).close()
    admin("users", "limits")
    admin("permissions", "delete", "--username", "u1")
    admin("delete", "permissions", "--username", "u2")
    admin("users", "delete", "--name", "u1")
    admin("delete", "user", "--name", "u2")


def test_limits(admin, vhost):
    admin("declare", "user", "--name", "u3", "--password", "x")
    admin("user_limits", "declare", "--username", "u3", "--name", "max-connections", "--value", "5")
    admin("declare", "user_limit", "--username", "u3", "--name", "max-channels", "--value", "7")
    for listed in (admin("user_limits", "list"), admin("list", "user_limits"), admin("users", "limits", "--username", "u3")):
        assert "max-connections" in listed and "7" in listed
    admin("user_limits", "delete", "--username", "u3", "--name", "max-connections")
    admin("delete", "user_limit", "--username", "u3", "--name", "max-channels")
    admin("vhost_limits", "declare", "--name", "max-queues", "--value", "9")
    admin("declare", "vhost_limit", "--name", "max-connections", "--value", "8")
    for listed in (admin("vhost_limits", "list"), admin("list", "vhost_limits")):
        assert "max-queues" in listed and vhost in listed
    admin("vhost_limits", "delete", "--name", "max-queues")
    admin("delete", "vhost_limit", "--name", "max-connections")
    admin("delete", "user", "--name", "u3")


@pytest.mark.parametrize("group, one", [("policies", "policy"), ("operator_policies", "operator_policy")])
def test_policies(admin, group, one):
    what = ["--pattern", "^q", "--apply-to", "classic_queues", "--priority", "2", "--definition",
            '{"max-length": 10, "message-ttl": 5000}']
    admin("declare", "queue", "--name", "q")
    admin(group, "declare", "--name", "p1", *what)
    admin("declare", one, "--name", "p2", *what)
    for words in ([group, "list"], ["list", group], [group, "list_in"], [group, "list_in", "--apply-to", "classic_queues"],
                  [group, "list_matching_object", "--name", "q", "--type", "classic_queues"]):
        listed = admin(*words)
        assert "p1" in listed and "p2" in listed, words
    admin(group, "patch", "--name", "p1", "--definition", '{"max-length": 20}')
    admin(group, "update_definition", "--name", "p1", "--definition-key", "message-ttl", "--new-value", "7000")
    listed = admin(group, "list")
    assert "20" in listed and "7000" in listed
    admin(group, "update_definitions_of_all_in", "--definition-key", "max-length", "--new-value", "30")
    admin(group, "delete_definition_keys", "--name", "p1", "--definition-keys", "message-ttl")
    admin(group, "delete_definition_keys_from_all_in", "--definition-keys", "message-ttl")
    listed = admin(group, "list")
    assert "30" in listed and "message-ttl" not in listed
    admin(group, "delete", "--name", "p1")
    admin("delete", one, "--name", "p2")
    admin.refused(group, "delete", "--name", "p2")


def test_policies_over_policies(admin):
    admin("policies", "declare", "--name", "p1", "--pattern", "^q", "--apply-to", "queues", "--priority", "2",
          "--definition", '{"max-length": 10}')
    admin("policies", "declare_override", "--name", "p1", "--definition", '{"max-length": 5}')
    admin("policies", "declare_blanket", "--name", "blanket", "--apply-to", "queues", "--definition", '{"message-ttl": 1}')
    assert "overrides" in admin("policies", "list") and "blanket" in admin("policies", "list")
    admin("policies", "list_conflicting")
    admin("policies", "list_conflicting_in")
    admin("policies", "update_definitions_of_all", "--definition-key", "max-length", "--new-value", "3")
    admin("policies", "delete_definition_keys_from_all", "--definition-keys", "nothing")


def test_parameters(admin):
    admin("parameters", "set", "--component", "vhost-limits", "--name", "limits", "--value", '{"max-queues": 4}')
    for words in (["list_all"], ["list", "--component", "vhost-limits"], ["list_in", "--component", "vhost-limits"]):
        assert "max-queues" in admin("parameters", *words), words
    assert "max-queues" in admin("list", "parameters", "--component", "vhost-limits")
    admin("parameters", "clear", "--component", "vhost-limits", "--name", "limits")
    admin("declare", "parameter", "--component", "vhost-limits", "--name", "limits", "--value", '{"max-queues": 4}')
    admin("delete", "parameter", "--component", "vhost-limits", "--name", "limits")
    admin.refused("parameters", "set", "--component", "nothing", "--name", "x", "--value", "{}")
    admin("global_parameters", "set", "--name", "judged", "--value", '{"a": [1]}')
    assert "judged" in admin("global_parameters", "list")
    admin("global_parameters", "clear", "--name", "judged")


def test_definitions(admin, tmp_path):
    admin("declare", "queue", "--name", "q.kept")
    whole, host = str(tmp_path / "whole.json"), str(tmp_path / "host.json")
    admin("definitions", "export", "--file", whole)
    admin("definitions", "export_from_vhost", "--file", host)
    assert "q.kept" in admin("export", "definitions", "--stdout")
    # `import definitions` of this version fails before it asks the broker anything.
    for words in (["definitions", "import", "--file", whole], ["definitions", "import_into_vhost", "--file", host]):
        admin("delete", "queue", "--name", "q.kept")
        admin(*words)
        assert "q.kept" in admin("list", "queues"), words
    transformed = json.loads(admin("definitions", "export", "--stdout", "--transformations", "strip_cmq_keys_from_policies"))
    assert transformed["queues"]


def test_connections_and_channels(admin, broker, connection, vhost):
    channel = connection.channel()
    channel.basic_qos(prefetch_count=9)
    channel.queue_declare("q", durable=True)
    channel.basic_consume("q", lambda *_: None)
    for listed in (admin("connections", "list"), admin("list", "connections"),
                   admin("connections", "list_of_user", "--username", "guest"),
                   admin("list", "user_connections", "--username", "guest"),
                   admin("users", "connections", "--username", "guest")):
        assert "guest" in listed
    for listed in (admin("channels", "list"), admin("list", "channels")):
        assert vhost in listed and "9" in listed
    assert "q" in admin("list", "consumers")
    name = broker.management.get("/api/vhosts/%s/connections" % vhost)[0]["name"]
    admin("connections", "close", "--name", name)
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker):
        connection.process_data_events(time_limit=10)
    admin.refused("close", "connection", "--name", name)


def test_nodes_and_overview(admin, broker):
    name = node(broker)
    assert name in admin("nodes", "list") and name in admin("list", "nodes")
    for group in ("nodes", "show"):
        for unit in ("bytes", "percent"):
            assert "allocated" in admin(group, "memory_breakdown_in_" + unit, "--node", name)
    overview = admin("show", "overview")
    assert "Leveret" in overview or "RabbitMQ" in overview
    admin("show", "churn")
    assert broker.management.base in admin("show", "endpoint")
    assert "rabbitmq_management" in admin("plugins", "list_all")
    assert "rabbitmq_management" in admin("plugins", "list_on_node", "--node", name)
    assert "http" in admin("auth_attempts", "stats", "--node", name)


def test_health_checks(admin, broker):
    # It also names a check of deprecated features, but does not know it.
    for check in ("local_alarms", "cluster_wide_alarms", "node_is_quorum_critical"):
        admin("health_check", check)
    admin("health_check", "port_listener", "--port", str(broker.amqp))
    admin.refused("health_check", "port_listener", "--port", "1")
    admin("health_check", "protocol_listener", "--protocol", "amqp")
    admin.refused("health_check", "protocol_listener", "--protocol", "stomp")


def test_features(admin):
    assert "quorum_queue" in admin("feature_flags", "list") and "quorum_queue" in admin("list", "feature_flags")
    admin("feature_flags", "enable", "--name", "quorum_queue")
    admin("feature_flags", "enable_all")
    assert "global_qos" in admin("deprecated_features", "list")
    assert "global_qos" in admin("list", "deprecated_features")
    admin("deprecated_features", "list_used")
    admin("list", "deprecated_features_in_use")


def test_plugins_that_are_not_there(admin):
    admin("shovels", "list_all")
    admin("shovels", "list")
    admin.refused("shovels", "declare_amqp091", "--name", "s", "--source-uri", "amqp://a", "--destination-uri", "amqp://b",
                  "--source-queue", "q", "--destination-queue", "r")
    admin("federation", "list_all_upstreams")
    admin.refused("federation", "declare_upstream", "--name", "f", "--uri", "amqp://a")


def test_files_of_its_own(admin, tmp_path):
    """Nothing of the broker's, but each group is started once."""
    config = str(tmp_path / "admin.conf")
    admin("--config", config, "config_file", "add_node", "--node", "one", "--host", "localhost", "--create-file-if-missing")
    assert "one" in admin("--config", config, "config_file", "show")
    assert "rabbitmqadmin" in admin("shell", "completions", "--shell", "bash")

