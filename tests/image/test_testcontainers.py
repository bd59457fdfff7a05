"""The unmodified RabbitMQ modules of Testcontainers for Python and Node, and what Java's runs in a container."""
import subprocess
from pathlib import Path

import pika
from testcontainers.community.rabbitmq import RabbitMqContainer

HERE = Path(__file__).resolve().parent

# What Java's module runs after the start for withUser, withVhost, withPermission, withExchange, withQueue, withBinding,
# withPolicy, withOperatorPolicy, withVhostLimit, withParameter and withPluginsEnabled.
JAVA = [
    ["rabbitmqctl", "add_vhost", "v1"],
    ["rabbitmqadmin", "declare", "vhost", "name=v2", "tracing=false"],
    ["rabbitmqadmin", "declare", "user", "name=u1", "password=p1", "tags=administrator"],
    ["rabbitmqctl", "set_permissions", "-p", "v1", "u1", ".*", ".*", ".*"],
    ["rabbitmqctl", "set_topic_permissions", "-p", "v1", "u1", "amq.topic", ".*", ".*"],
    ["rabbitmqadmin", "declare", "permission", "vhost=v2", "user=u1", "configure=.*", "write=.*", "read=.*"],
    ["rabbitmqadmin", "--vhost=v2", "-u", "u1", "-p", "p1", "declare", "exchange", "name=e1", "type=direct", "auto_delete=false",
     "internal=false", "durable=true", "arguments={}"],
    ["rabbitmqadmin", "--vhost=v2", "-u", "u1", "-p", "p1", "declare", "queue", "name=q1", "auto_delete=false", "durable=true",
     'arguments={"x-max-length":10}'],
    ["rabbitmqadmin", "--vhost=v2", "-u", "u1", "-p", "p1", "declare", "binding", "source=e1", "destination=q1",
     "routing_key=k", "destination_type=queue", "arguments={}"],
    ["rabbitmqadmin", "declare", "policy", "name=p1", "pattern=.*", 'definition={"max-length":100}', "priority=1", "apply-to=queues"],
    ["rabbitmqadmin", "declare", "operator_policy", "name=o1", "pattern=.*", 'definition={"max-length":50}', "priority=1",
     "apply-to=queues"],
    ["rabbitmqadmin", "declare", "vhost_limit", "vhost=v1", "name=max-connections", "value=64"],
    ["rabbitmqctl", "set_vhost_limits", "-p", "v1", '{"max-queues":10}'],
    ["rabbitmq-plugins", "enable", "rabbitmq_shovel"],
    ["rabbitmqctl", "set_cluster_name", "test"],
    ["rabbitmqctl", "import_definitions", "/var/lib/rabbitmq/definitions.json"],
]


def test_python_module_starts_and_its_own_check_is_satisfied(engine):
    with RabbitMqContainer("leveret:latest", username="me", password="pw", vhost="dev") as rabbitmq:
        connection = pika.BlockingConnection(rabbitmq.get_connection_params())
        assert connection.is_open
        code, output = rabbitmq.exec(["rabbitmqctl", "list_vhosts", "--silent"])
        assert (code, output.decode().split()) == (0, ["dev"])
        connection.close()


def test_what_the_module_for_java_runs_in_the_container(run):
    container = run()
    container.wait_for("Server startup complete")
    code, output = container.run("rabbitmqctl", "export_definitions", "/var/lib/rabbitmq/definitions.json")
    assert code == 0, output
    for argv in JAVA:
        code, output = container.run(*argv)
        assert code == 0, (argv, output)
    code, output = container.run("rabbitmqctl", "list_bindings", "-p", "v2", "-q", "--no-table-headers", "source_name", "destination_name", "routing_key")
    assert (code, "e1\tq1\tk\n" in output) == (0, True), output


def test_node_module_starts_and_its_own_check_is_satisfied(engine):
    done = subprocess.run(["node", "--test", "testcontainers.test.mjs"], cwd=HERE, text=True, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
