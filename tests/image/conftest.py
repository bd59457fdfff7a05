"""The image, and runs of it."""
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from container import Container, Image      # noqa: E402


@pytest.fixture(scope="session")
def image():
    return Image()


@pytest.fixture
def run(image):
    """Runs the image; what was run is ended after the test."""
    containers = []

    def start(*command, how="rw", **env):
        containers.append(Container(image, command, env, how))
        return containers[-1]

    yield start
    for container in containers:
        container.stop()


@pytest.fixture(scope="session")
def engine():
    """Where Testcontainers finds its engine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(HERE / "engine.py"), str(port)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    settings = {"DOCKER_HOST": "tcp://127.0.0.1:%d" % port, "TESTCONTAINERS_RYUK_DISABLED": "true",
                "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"}
    os.environ.update(settings)
    yield settings
    process.terminate()
    process.wait()


def pytest_terminal_summary(terminalreporter):
    """The closing line that every part of this project's tests prints."""
    n = {k: len(terminalreporter.stats.get(k, [])) for k in ("passed", "failed", "error", "skipped")}
    terminalreporter.write_line("%d passed, %d failed, %d skipped" % (n["passed"], n["failed"] + n["error"], n["skipped"]))
