"""The typed Rust client (src/): all its calls against the broker, while a client waits to be looked at."""
import os
import subprocess
import urllib.parse

import pika
import pytest


def test_every_call_of_the_typed_client(broker):
    parameters = pika.URLParameters(broker.url())
    parameters.client_properties = {"connection_name": "judged"}
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=7)
    channel.queue_declare("judged", durable=True)
    channel.basic_consume("judged", lambda *_: None)

    management = urllib.parse.urlsplit(broker.management.base).port
    done = subprocess.run([os.environ["JUDGE"], broker.management.base + "/api", str(broker.amqp), str(management)],
                          text=True, capture_output=True, timeout=60)
    wrong = [line for line in done.stdout.splitlines() if not line.startswith("ok: ")]
    assert done.returncode == 0, "\n".join(wrong) + done.stderr
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="320.*the court rises"):
        connection.process_data_events(time_limit=10)
    broker.management.delete("/api/queues/%2F/judged")
