"""Fixtures of every suite that asks a broker: the broker, a virtual host for each test, and the closing line."""
import os

import pytest

from support import Leveret, RunningBroker, next_number


@pytest.fixture(scope="session")
def broker():
    b = RunningBroker(os.environ) if "AMQP_URL" in os.environ else Leveret()
    yield b
    b.stop()


@pytest.fixture
def vhost(broker):
    """The name of a fresh virtual host."""
    name = broker.vhost("test-%d" % next_number())
    yield name
    broker.drop_vhost(name)


def pytest_terminal_summary(terminalreporter):
    """The closing line that every part of this project's tests prints."""
    n = {k: len(terminalreporter.stats.get(k, [])) for k in ("passed", "failed", "error", "skipped")}
    terminalreporter.write_line("%d passed, %d failed, %d skipped" % (n["passed"], n["failed"] + n["error"], n["skipped"]))
