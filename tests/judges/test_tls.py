"""TLS, judged by curl, OpenSSL and both rabbitmqadmins: a broker that made its own certificates."""
import os
import subprocess
import sys

import pytest

from conftest import Admin
from support import Leveret


class Encrypted:
    def __init__(self, place):
        conf = place / "rabbitmq.conf"
        conf.write_text("prometheus.ssl.port = 0\nprometheus.tcp.listener = none\n")
        self.place = place / "certificates"
        self.broker = Leveret("--config", str(conf), "--host", "127.0.0.1", "--tls-auto=%s" % self.place,
                              "--tls-port", "0", "--management-tls-port", "0")
        self.ports = self.broker.read_ports(self.broker.dir / "ports.json")

    def file(self, name):
        return str(self.place / name)

    def port(self, name):
        return str(self.ports[name])


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    if "AMQP_URL" in os.environ:
        pytest.skip("this needs a broker of its own")
    e = Encrypted(tmp_path_factory.mktemp("tls"))
    yield e
    e.broker.stop()


def first(encrypted, *words):
    """The first rabbitmqadmin with these options."""
    return Admin([sys.executable, os.environ["ADMIN_V1"], "-P", encrypted.port("management_tls"), *words])


def own(encrypted, *words):
    """This project's, likewise."""
    return Admin([str(encrypted.broker.dir / "bin/rabbitmqadmin"), "-P", encrypted.port("management_tls"), *words])


def run(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("shown", [False, True])
def test_the_first_rabbitmqadmin_and_ours(encrypted, shown):
    options = ["-s", "--ssl-ca-cert-file", encrypted.file("ca_certificate.pem")]
    if shown:
        options += ["--ssl-cert-file", encrypted.file("client_certificate.pem"),
                    "--ssl-key-file", encrypted.file("client_key.pem")]
    admins = [make(encrypted, *options) for make in (first, own)]
    for number, admin in enumerate(admins):
        admin("declare", "queue", "name=tls-%s-%d" % (shown, number))
        admin("publish", "routing_key=tls-%s-%d" % (shown, number), "payload=hello")
    lists = [admin("list", "queues", "name", "durable") for admin in admins]
    assert lists[0] == lists[1]
    for number, admin in enumerate(admins):
        assert "hello" in admin("get", "queue=tls-%s-%d" % (shown, number))


@pytest.mark.parametrize("make", [first, own])
def test_who_is_not_trusted_is_not_asked(encrypted, make):
    assert "certificate verify failed" in make(encrypted, "-s").refused("list", "users")
    make(encrypted, "-sk")("list", "users")
    wrong = ["-s", "-H", "127.0.0.1", "--ssl-ca-cert-file", encrypted.file("server_certificate.pem")]
    assert "certificate verify failed" in make(encrypted, *wrong).refused("list", "users")


def test_the_second_rabbitmqadmin(encrypted):
    admin = Admin([os.environ["ADMIN_V2"], "--use-tls", "--tls-ca-cert-file", encrypted.file("ca_certificate.pem"),
                   "-H", "localhost", "-P", encrypted.port("management_tls")])
    assert "guest" in admin("users", "list")


def test_curl_reads_metrics(encrypted):
    url = "https://localhost:%s" % encrypted.port("prometheus_tls")
    trusting = ["curl", "-sS", "--cacert", encrypted.file("ca_certificate.pem")]
    for version in ["--tls-max", "1.2"], ["--tlsv1.3"]:
        assert "\nrabbitmq_queues " in run(*trusting, *version, url + "/metrics").stdout
    assert run(*trusting, "-o", os.devnull, "-w", "%{http_code}", url + "/api/overview").stdout == "404"
    assert run("curl", "-sS", url + "/metrics").returncode == 60
    assert encrypted.ports["prometheus"] is None


def test_openssl_shakes_hands(encrypted):
    done = run("openssl", "s_client", "-connect", "127.0.0.1:" + encrypted.port("amqps"),
               "-CAfile", encrypted.file("ca_certificate.pem"), "-verify_return_error", "-verify_hostname", "localhost")
    assert "Verify return code: 0 (ok)" in done.stdout, done.stdout + done.stderr
