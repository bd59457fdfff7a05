"""Runs the image without an engine: what the Dockerfile's last stage says, in a chroot of the tree it copies.

Wants to be root, in a network namespace of its own (run.sh sees to both), so that the ports are the image's own.
"""
import json
import os
import re
import shlex
import signal
import subprocess
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Image:
    """The last stage of a Dockerfile."""

    def __init__(self, dockerfile=HERE.parent.parent / "Dockerfile", root=None):
        self.root = Path(root or os.environ["IMAGE_ROOT"])
        # Where a container sees its own copy, each in a mount namespace of its own.
        self.top = self.root.with_name("top")
        self.top.mkdir(exist_ok=True)
        text = re.sub(r"\\\n", " ", dockerfile.read_text())
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        last = max(n for n, line in enumerate(lines) if line.startswith("FROM "))
        self.said = {}
        for line in lines[last + 1:]:
            word, rest = line.split(None, 1)
            self.said.setdefault(word, []).append(rest)
        self.env = dict(pair.split("=", 1) for rest in self.said["ENV"] for pair in shlex.split(rest))
        self.user = self.said["USER"][-1]
        self.volume = self.said["VOLUME"][-1]
        self.ports = [int(port) for port in self.said["EXPOSE"][-1].split()]
        self.entry = json.loads(self.said["ENTRYPOINT"][-1])
        self.command = json.loads(self.said["CMD"][-1])
        self.health = json.loads(re.search(r"\[.*\]", self.said["HEALTHCHECK"][-1])[0])

    def inside(self, argv, env):
        """The command that runs `argv` there, in a mount namespace where the tree is mounted."""
        pairs = ["%s=%s" % pair for pair in {**self.env, **env}.items()]
        return ["chroot", "--userspec", self.user, str(self.top), "/usr/bin/env", "-i", *pairs, *argv]


# Of the devices the harmless ones are there; with `ro` only the volume and /tmp can be written to.
MOUNTS = """
set -e
image=$1 top=$2 volume=$3 user=$4 how=$5
shift 5
mount -t tmpfs -o mode=755 top "$top"
cp -a "$image/." "$top"
mount -t tmpfs -o mode=1777 volume "$top$volume"
chown "$user" "$top$volume"
mount -t tmpfs -o mode=1777 tmp "$top/tmp"
mount -t proc proc "$top/proc"
mount -t tmpfs -o mode=755 dev "$top/dev"
for device in null zero random urandom; do
  : >"$top/dev/$device"
  mount --bind "/dev/$device" "$top/dev/$device"
done
mount -o "remount,$how" "$top"
exec "$@"
"""


class Container:
    """One run of the image. What it printed is kept, and can be waited for."""

    def __init__(self, image, command=None, env=None, how="rw"):
        self.image, self.env = image, env or {}
        argv = image.inside([*image.entry, *(command or image.command)], self.env)
        mounts = ["bash", "-c", MOUNTS, "bash", str(image.root), str(image.top), image.volume, image.user, how]
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", *mounts, *argv],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output, self.changed, self.ended = b"", threading.Condition(), False
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            with self.changed:
                self.output += chunk
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, text, seconds=20):
        """Until it printed the text."""
        with self.changed:
            self.changed.wait_for(lambda: text.encode() in self.output or self.ended, seconds)
            assert text.encode() in self.output, self.output.decode()

    def start(self, argv):
        """Start a command inside."""
        return subprocess.Popen(
            ["nsenter", "--mount", "--target", str(self.process.pid), *self.image.inside(argv, self.env)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, *argv):
        """Run a command inside, as `docker exec` does: its exit code, and what it printed."""
        process = self.start(argv)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output.decode()

    def status(self):
        """What the kernel says of the program: names and values of /proc/PID/status."""
        text = Path("/proc/%d/status" % self.process.pid).read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines())

    def stop(self, how=signal.SIGTERM):
        """End it as `docker stop` does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
