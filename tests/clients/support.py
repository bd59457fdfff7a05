"""What the tests stand on: a broker (ours, or one that runs already), Celery workers, and waiting with a deadline."""
import base64
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def wait_until(question, timeout=10, what="the condition"):
    """Ask `question` until its answer is true, and return that answer.

    The only wait of this suite that looks again and again: for what nothing can announce, such as a file
    written by another program or a queue that expires.
    """
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError("%s: not within %s s" % (what, timeout))
        pause.wait(0.02)


class Process:
    """A program whose output is kept line by line; a line can be waited for."""

    def __init__(self, argv, **kw):
        self.lines = []
        self.news = threading.Condition()
        self.ended = False
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace",
                                      start_new_session=True, **kw)
        self.pid = self.popen.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def line(self, pattern, timeout=20, after=0):
        """Wait for a line, not among the first `after`, that `pattern` is found in; return it."""
        deadline = time.monotonic() + timeout
        seen = after
        with self.news:
            while True:
                for seen in range(seen, len(self.lines)):
                    if re.search(pattern, self.lines[seen]):
                        return self.lines[seen]
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    raise AssertionError("no line with %r %s; the last lines:\n%s" % (
                        pattern, "before the end" if self.ended else "in time", "\n".join(self.lines[-30:])))
                self.news.wait(left)

    def wait(self, timeout=15):
        return self.popen.wait(timeout)

    def kill(self):
        """SIGKILL for it and what it started: as after a loss of power."""
        self._signal_all(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self._signal_all(signal.SIGKILL)
        self.popen.wait(10)
        self.reader.join(5)

    def _signal_all(self, sig):
        try:
            os.killpg(self.pid, sig)
        except ProcessLookupError:
            pass


class Worker(Process):
    """`celery worker`, ready to take tasks when this returns (unless `ready` is false)."""

    def __init__(self, app, *args, pool="solo", concurrency=1, name=None, quick=True, ready=True):
        self.app = app
        self.name = "%s@leveret" % (name or "w%d" % next_number())
        argv = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", pool, "-c", str(concurrency),
                "-n", self.name, "-l", "INFO", *args]
        if quick:       # without the second in which a worker waits for answers of others
            argv += ["--without-mingle", "--without-gossip"]
        super().__init__(argv, cwd=HERE, env=worker_environment(app))
        if ready:
            self.line(r"%s ready\." % re.escape(self.name), 30)


def worker_environment(app):
    return dict(os.environ, TASKS_BROKER=app.test_broker, TASKS_BACKEND=app.test_backend,
                TASKS_SETTINGS=json.dumps(app.test_settings), PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1",
                C_FORCE_ROOT="1")


_number = 0
_number_lock = threading.Lock()


def next_number():
    global _number
    with _number_lock:
        _number += 1
        return os.getpid() * 1000 + _number


class Management:
    """The HTTP API."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.base = "http://%s:%d" % (parts.hostname, parts.port or 15672)
        who = "%s:%s" % (parts.username or "guest", parts.password or "guest")
        self.auth = "Basic " + base64.b64encode(who.encode()).decode()

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        r = urllib.request.Request(self.base + path, data=data, method=method, headers={
            "Authorization": self.auth, "Content-Type": "application/json"})
        with urllib.request.urlopen(r, timeout=10) as f:
            text = f.read()
        return json.loads(text) if text else None

    def get(self, path):
        return self.request("GET", path)

    def put(self, path, body=None):
        return self.request("PUT", path, {} if body is None else body)

    def delete(self, path, missing_ok=True):
        try:
            self.request("DELETE", path)
        except urllib.error.HTTPError as e:
            if not (missing_ok and e.code == 404):
                raise


class Broker:
    """A broker to test: where it listens, its HTTP API and its rabbitmqctl."""

    moves_clock = False     # by POST /dev/clock

    def __init__(self, host, amqp, management_url, user="guest", password="guest"):
        self.host, self.amqp = host, amqp
        self.user, self.password = user, password
        self.management = Management(management_url)
        self.restarts = 0

    def url(self, vhost="/", user=None, password=None):
        return "amqp://%s:%s@%s:%d/%s" % (user or self.user, password or self.password, self.host, self.amqp,
                                         urllib.parse.quote(vhost, safe=""))

    def vhost(self, name):
        """A fresh virtual host, open to our user."""
        self.management.delete("/api/vhosts/" + name)
        self.management.put("/api/vhosts/" + name)
        self.management.put("/api/permissions/%s/%s" % (name, self.user),
                            {"configure": ".*", "write": ".*", "read": ".*"})
        return name

    def drop_vhost(self, name):
        self.management.delete("/api/vhosts/" + name)

    def ctl(self, *args, check=True):
        """Run rabbitmqctl; return what it printed."""
        done = subprocess.run([*self.ctl_command(), *args], env=self.ctl_environment(), text=True,
                              capture_output=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError("rabbitmqctl %s: exit %d\n%s%s" % (
                " ".join(args), done.returncode, done.stdout, done.stderr))
        return done.stdout

    def stop(self):
        pass


class RunningBroker(Broker):
    """A broker that somebody else started: AMQP_URL, MGMT_URL, and perhaps RABBITMQCTL and BROKER_RESTART (commands)."""

    def __init__(self, env):
        parts = urllib.parse.urlsplit(env["AMQP_URL"])
        super().__init__(parts.hostname, parts.port or 5672, env.get("MGMT_URL", "http://127.0.0.1:15672"),
                         parts.username or "guest", parts.password or "guest")
        self.env = env

    @property
    def can_ctl(self):
        return "RABBITMQCTL" in self.env

    @property
    def can_restart(self):
        return "BROKER_RESTART" in self.env

    def ctl_command(self):
        return shlex.split(self.env["RABBITMQCTL"])

    def ctl_environment(self):
        return dict(self.env)

    def restart(self):
        self.restarts += 1
        subprocess.run(self.env["BROKER_RESTART"], shell=True, check=True, timeout=90)


class Leveret(Broker):
    """The broker of this project, started for the tests on ports that were free."""

    moves_clock = True

    can_ctl = can_restart = True

    def __init__(self, *options):
        self.binary = os.environ.get("LEVERET", str(ROOT / "target/release/leveret"))
        self.options = options
        self.dir = Path(tempfile.mkdtemp(prefix="leveret-clients-"))
        (self.dir / "run").mkdir(mode=0o700)
        (self.dir / "bin").mkdir()
        self.env = dict(os.environ, LEVERET_RUNTIME_DIR=str(self.dir / "run"))
        subprocess.run([self.binary, "install-links", str(self.dir / "bin")], env=self.env, check=True, timeout=20,
                       stdout=subprocess.DEVNULL)
        ports = self.start(0, 0)
        super().__init__("127.0.0.1", ports["amqp"], "http://127.0.0.1:%d" % ports["management"])

    def start(self, amqp, management):
        ports = self.dir / "ports.json"
        ports.unlink(missing_ok=True)
        self.process = Process([self.binary, *self.options, "--port", str(amqp), "--management-port", str(management),
                                "--ports-file", str(ports)], env=self.env)
        return wait_until(lambda: self.read_ports(ports), 10, "the broker's ports file")

    def read_ports(self, path):
        if self.process.ended:
            raise AssertionError("the broker ended while starting:\n" + "\n".join(self.process.lines[-30:]))
        try:
            return json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def ctl_command(self):
        return [str(self.dir / "bin/rabbitmqctl")]

    def ctl_environment(self):
        return self.env

    def restart(self):
        """Stop it and start it again on the same ports: everything in memory is gone."""
        self.restarts += 1
        self.process.stop()
        self.start(self.amqp, urllib.parse.urlsplit(self.management.base).port)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
