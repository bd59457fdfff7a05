"""rabbitmqadmin, the first: the Python program of Debian's package rabbitmq-server."""
import json
import os
import sys
import urllib.parse

import pika
import pytest

from conftest import Admin

KINDS = ["connections", "channels", "consumers", "exchanges", "queues", "bindings", "users", "vhosts", "permissions",
         "nodes", "parameters", "policies", "operator_policies", "vhost_limits"]


@pytest.fixture
def admin(broker, vhost):
    """In the test's own virtual host."""
    port = urllib.parse.urlsplit(broker.management.base).port
    return Admin([sys.executable, os.environ["ADMIN_V1"], "--port", str(port), "--vhost", vhost])


def rows(admin, *words):
    return json.loads(admin("--format", "raw_json", *words))


def test_every_list(admin, broker, vhost):
    connection = pika.BlockingConnection(pika.URLParameters(broker.url(vhost)))
    channel = connection.channel()
    channel.queue_declare("listed", durable=True)
    channel.basic_consume("listed", lambda *_: None, consumer_tag="tag")
    admin("declare", "policy", "name=p", "pattern=none", 'definition={"max-length": 1}')
    admin("declare", "operator_policy", "name=p", "pattern=none", 'definition={"max-length": 1}')
    admin("declare", "vhost_limit", "vhost=" + vhost, "name=max-queues", "value=10")
    for kind in KINDS:
        found = rows(admin, "list", kind)
        assert found, kind
        assert admin("list", kind).count("\n") >= 5, kind
    for form in ("tsv", "long", "kvp", "bash", "pretty_json"):
        assert "listed" in admin("--format", form, "list", "queues", "name"), form
    assert "listed" in admin("--sort", "messages", "--sort-reverse", "--depth", "3", "list", "queues", "name", "messages")
    assert "rabbitmq_version" in admin("show", "overview")
    name = rows(admin, "list", "connections", "name")[0]["name"]
    admin("close", "connection", "name=" + name)
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker):
        connection.process_data_events(time_limit=10)


def test_objects(admin, vhost):
    admin("declare", "exchange", "name=x", "type=topic", "durable=true")
    admin("declare", "queue", "name=q", "durable=true", 'arguments={"x-max-length": 3}')
    admin("declare", "queue", "name=q.quorum", "queue_type=quorum")
    admin("declare", "binding", "source=x", "destination=q", "routing_key=a.#", 'arguments={"n": 1}')
    assert {"q", "q.quorum"} == {q["name"] for q in rows(admin, "list", "queues", "name")}
    found = [b for b in rows(admin, "list", "bindings") if b["source"] == "x"]
    assert [(b["destination"], b["routing_key"], b["arguments"]) for b in found] == [("q", "a.#", {"n": 1})]
    admin("delete", "binding", "source=x", "destination_type=queue", "destination=q",
          "properties_key=" + found[0]["properties_key"])
    assert "inequivalent arg" in admin.refused("declare", "queue", "name=q", "durable=true")
    admin("delete", "queue", "name=q")
    admin("delete", "exchange", "name=x")
    assert "404" in admin.refused("delete", "queue", "name=q") or "Not found" in admin.refused("delete", "queue", "name=q")


def test_people_and_settings(admin, vhost):
    admin("declare", "vhost", "name=v1 of/judge", "tracing=false")
    admin("declare", "user", "name=v1user", "password=secret", "tags=monitoring")
    admin("declare", "permission", "vhost=v1 of/judge", "user=v1user", "configure=^c", "write=.*", "read=.*")
    assert "^c" in admin("list", "permissions")
    admin("declare", "parameter", "component=vhost-limits", "name=limits", 'value={"max-queues": 3}')
    assert "max-queues" in admin("list", "parameters")
    admin("delete", "parameter", "component=vhost-limits", "name=limits")
    admin("declare", "policy", "name=p", "pattern=^q", 'definition={"max-length": 3}', "priority=2", "apply-to=queues")
    assert rows(admin, "list", "policies")[0]["priority"] == 2
    admin("delete", "policy", "name=p")
    admin("declare", "operator_policy", "name=p", "pattern=^q", 'definition={"max-length": 3}')
    admin("delete", "operator_policy", "name=p")
    admin("declare", "vhost_limit", "vhost=" + vhost, "name=max-connections", "value=4")
    admin("delete", "vhost_limit", "vhost=" + vhost, "name=max-connections")
    admin("delete", "permission", "vhost=v1 of/judge", "user=v1user")
    admin("delete", "user", "name=v1user")
    admin("delete", "vhost", "name=v1 of/judge")


def test_messages(admin, tmp_path):
    admin("declare", "queue", "name=q", "durable=true")
    assert "published" in admin("publish", "routing_key=q", "payload=grüße", 'properties={"content_type": "text/plain"}')
    admin("publish", "exchange=amq.default", "routing_key=q", stdin="from the standard input")
    assert "NOT routed" in admin("publish", "routing_key=nowhere", "payload=x")
    got = rows(admin, "get", "queue=q", "count=5", "ackmode=ack_requeue_true")
    assert [m["payload"] for m in got] == ["grüße", "from the standard input"]
    assert got[0]["properties"]["content_type"] == "text/plain"
    payload = tmp_path / "payload"
    admin("get", "queue=q", "ackmode=ack_requeue_false", "payload_file=" + str(payload))
    assert payload.read_text() == "grüße"
    admin("purge", "queue", "name=q")
    assert rows(admin, "list", "queues", "messages")[0]["messages"] == 0


def test_definitions(admin, tmp_path):
    admin("declare", "queue", "name=kept", "durable=true", 'arguments={"x-max-length": 3}')
    admin("declare", "binding", "source=amq.topic", "destination=kept", "routing_key=k")
    whole = tmp_path / "whole.json"
    admin("export", str(whole))
    assert [q["name"] for q in json.loads(whole.read_text())["queues"]] == ["kept"]
    admin("delete", "queue", "name=kept")
    admin("import", str(whole))
    found = rows(admin, "list", "queues", "name", "arguments")
    assert [(q["name"], q["arguments"]["x-max-length"]) for q in found] == [("kept", 3)]
    assert "kept" in admin("list", "bindings")
