"""pika over TLS, with the certificates that the broker made on start."""
import os
import ssl
import tempfile
from pathlib import Path

import pika
import pytest

from support import Leveret

# Only a broker of ours makes certificates.
pytestmark = pytest.mark.skipif("AMQP_URL" in os.environ, reason="a broker that runs already")


@pytest.fixture(scope="module")
def secured():
    with tempfile.TemporaryDirectory() as folder:
        broker = Leveret("--tls-auto=" + folder, "--tls-port", "0", "--management-tls-port", "0")
        yield broker, Path(folder)
        broker.stop()


def connect(broker, folder, credentials, certificate=None):
    context = ssl.create_default_context(cafile=folder / "ca_certificate.pem")
    if certificate:
        context.load_cert_chain(folder / (certificate + "_certificate.pem"), folder / (certificate + "_key.pem"))
    port = broker.read_ports(broker.dir / "ports.json")["amqps"]
    return pika.BlockingConnection(pika.ConnectionParameters(
        "localhost", port, credentials=credentials, ssl_options=pika.SSLOptions(context, "localhost")))


def test_messages_pass_encrypted(secured):
    connection = connect(*secured, pika.PlainCredentials("guest", "guest"))
    channel = connection.channel()
    channel.queue_declare("q")
    body = os.urandom(3_000_000)
    channel.basic_publish("", "q", body)
    assert channel.basic_get("q", auto_ack=True)[2] == body
    connection.close()


def test_a_certificate_is_a_login(secured):
    broker, folder = secured
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connect(broker, folder, pika.credentials.ExternalCredentials(), "client")
    broker.management.put("/api/users/client", {"password": "unused", "tags": ""})
    broker.management.put("/api/permissions/%2F/client", {"configure": ".*", "write": ".*", "read": ".*"})
    connection = connect(broker, folder, pika.credentials.ExternalCredentials(), "client")
    connection.channel().queue_declare("q2", exclusive=True)
    connection.close()
