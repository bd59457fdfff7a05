"""What the image holds, and how it behaves when it is run."""
import json
import os
import stat
import urllib.request

import pika
import pytest

NAMES = ["leveret", "rabbitmq-server", "rabbitmqctl", "rabbitmq-diagnostics", "rabbitmq-plugins", "rabbitmq-queues", "rabbitmqadmin"]
READY = "Server startup complete"


def connect(user="guest", password="guest", vhost="/", port=5672):
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, vhost, pika.PlainCredentials(user, password)))


def files(root):
    for folder, _, names in os.walk(root):
        for name in names:
            yield os.path.join(folder, name)


def test_is_under_15_mb(image):
    sizes = {os.stat(path, follow_symlinks=False) for path in files(image.root)}
    assert sum(it.st_size for it in sizes if stat.S_ISREG(it.st_mode)) < 15_000_000


def test_the_program_needs_no_library(image):
    program = (image.root / "usr/local/bin/leveret").read_bytes()
    assert program.startswith(b"\x7fELF")
    assert b"/ld-linux" not in program


def test_has_the_places_of_rabbitmqs_image(image):
    for place in ("etc/rabbitmq/conf.d/10-defaults.conf", "etc/rabbitmq/enabled_plugins", "opt/rabbitmq/sbin/rabbitmqctl", "plugins",
                  "usr/local/bin/docker-entrypoint.sh", "var/lib/rabbitmq", "var/log/rabbitmq", "bin/sh", "tmp"):
        assert os.path.lexists(image.root / place), place
    assert {5672, 5671, 15672, 15692, 25672} <= set(image.ports)


def test_has_every_name_on_its_path(run):
    container = run()
    container.wait_for(READY)
    for name in NAMES:
        code, output = container.run("sh", "-c", "command -v " + name)
        assert code == 0, (name, output)


def test_runs_as_rabbitmq_and_may_write_nowhere_but_to_its_volume(run):
    container = run(how="ro")
    container.wait_for(READY)
    assert container.status()["Uid"].split() == ["999"] * 4
    assert container.run("id", "-un") == (0, "rabbitmq\n")
    code, output = container.run("touch", "/etc/rabbitmq/new")
    assert (code, "Read-only file system" in output) == (1, True)
    assert container.run("touch", "/var/lib/rabbitmq/new")[0] == 0
    assert container.run("rabbitmqctl", "status")[0] == 0


@pytest.mark.parametrize("argv", [
    ("rabbitmq-diagnostics", "-q", "ping"),
    ("rabbitmq-diagnostics", "check_port_connectivity"),
    ("rabbitmq-diagnostics", "-q", "check_running"),
    ("rabbitmqctl", "status"),
    ("rabbitmqctl", "await_startup"),
    ("sh", "-c", "rabbitmq-diagnostics -q ping || exit 1"),
])
def test_health_checks_that_compose_files_use(run, argv):
    container = run()
    container.wait_for(READY)
    code, output = container.run(*argv)
    assert code == 0, output


def test_its_own_health_check_tells_the_dead_from_the_living(run, image):
    container = run()
    container.wait_for(READY)
    assert container.run(*image.health)[0] == 0
    assert container.run("rabbitmqctl", "stop")[0] == 0
    assert container.stop() == 0


def test_guest_may_come_from_other_machines(run):
    container = run()
    container.wait_for(READY)
    code, output = container.run("rabbitmqctl", "environment")
    assert code == 0
    assert "{loopback_users,[]}" in output.replace(" ", "")


def test_the_default_user_and_virtual_host_are_those_of_the_environment(run):
    run(RABBITMQ_DEFAULT_USER="me", RABBITMQ_DEFAULT_PASS="pw", RABBITMQ_DEFAULT_VHOST="dev").wait_for(READY)
    connect("me", "pw", "dev").close()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connect()


def test_serves_the_management_api_and_the_metrics(run):
    run().wait_for(READY)
    request = urllib.request.Request("http://127.0.0.1:15672/api/overview", headers={"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="})
    assert json.load(urllib.request.urlopen(request))["product_name"] == "RabbitMQ"
    assert b"rabbitmq_identity_info" in urllib.request.urlopen("http://127.0.0.1:15692/metrics").read()


def test_options_alone_are_the_brokers(run):
    run("--port", "5699").wait_for(READY)
    connect(port=5699).close()


def test_another_command_is_run_instead(run):
    container = run("rabbitmqctl", "version")
    assert container.process.wait(20) == 0


def test_a_stopped_container_tells_its_clients_and_ends_well(run):
    container = run()
    container.wait_for(READY)
    connection = connect()
    assert container.stop() == 0
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.process_data_events(5)
    assert closed.value.reply_code == 320
