"""pika over TLS, with the certificates that the broker made on start."""
import base64
import json
import os
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
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


@pytest.fixture(scope="module")
def configured(secured):
    """A broker that knows of TLS by its settings file alone, with the other's certificates."""
    _, folder = secured
    settings = folder / "rabbitmq.conf"
    settings.write_text("""
listeners.ssl.default = 127.0.0.1:0
ssl_options.cacertfile = {0}/ca_certificate.pem
ssl_options.certfile = {0}/server_certificate.pem
ssl_options.keyfile = {0}/server_key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
default_user = client
management.ssl.port = 0
management.ssl.ip = 127.0.0.1
management.ssl.certfile = {0}/server_certificate.pem
management.ssl.keyfile = {0}/server_key.pem
""".format(folder))
    broker = Leveret("--config", str(settings))
    yield broker, folder
    broker.stop()


def test_the_settings_file_says_who_may_come(configured):
    broker, folder = configured
    connection = connect(broker, folder, pika.credentials.ExternalCredentials(), "client")
    assert connection.channel().queue_declare("", exclusive=True)
    connection.close()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connect(broker, folder, pika.PlainCredentials("client", "guest"))


def test_the_settings_file_says_which_versions_are_spoken(configured):
    broker, folder = configured
    port = broker.read_ports(broker.dir / "ports.json")["amqps"]
    context = ssl.create_default_context(cafile=folder / "ca_certificate.pem")
    context.load_cert_chain(folder / "client_certificate.pem", folder / "client_key.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("localhost", port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_the_management_api_is_encrypted_too(configured):
    broker, folder = configured
    port = broker.read_ports(broker.dir / "ports.json")["management_tls"]
    context = ssl.create_default_context(cafile=folder / "ca_certificate.pem")
    request = urllib.request.Request("https://localhost:%d/api/whoami" % port)
    request.add_header("authorization", "Basic " + base64.b64encode(b"client:guest").decode())
    with urllib.request.urlopen(request, context=context) as answer:
        assert json.load(answer)["name"] == "client"


def test_certificates_that_expire_are_told(secured):
    broker, folder = secured
    path = "/api/health/checks/certificate-expiration/%s"
    assert broker.management.get(path % "1/days") == {"status": "ok"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        broker.management.get(path % "100/years")
    told = json.load(refused.value)
    assert (refused.value.code, told["reason"]) == (503, "Certificates expiring")
    listener = told["expired"][0]
    assert listener["protocol"] == "amqp/ssl"
    assert listener["certfile"] == str(folder / "server_certificate.pem")
    assert len(listener["certfile_expires_on"]) == len(listener["cacertfile_expires_on"]) == 1
    command = [str(broker.dir / "bin/rabbitmq-diagnostics"), "check_certificate_expiration", "--within", "100", "--unit", "years"]
    shown = subprocess.run(command, env=broker.ctl_environment(), text=True, capture_output=True)
    assert (shown.returncode, 'certfile_expires_on: ["' in shown.stderr) == (69, True)
