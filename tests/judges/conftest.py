"""The broker the judges look at, and the programs that judge it (made by run.sh)."""
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from fixtures import broker, pytest_terminal_summary, vhost     # noqa: E402, F401


class Admin:
    """One of the two rabbitmqadmins, on a virtual host."""

    def __init__(self, argv):
        self.argv = argv
        # Nobody's settings but ours.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("RABBITMQADMIN_")}

    def run(self, *words, stdin=""):
        return subprocess.run([*self.argv, *words], env=self.env, input=stdin, text=True, capture_output=True, timeout=60)

    def __call__(self, *words, stdin=""):
        """It must succeed; what it said."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, "%s: exit %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr)
        return done.stdout

    def refused(self, *words):
        """It must fail; what it said."""
        done = self.run(*words)
        assert done.returncode != 0, "%s: succeeded\n%s" % (" ".join(words), done.stdout)
        return done.stdout + done.stderr
