"""As much of the Docker Engine API as Testcontainers' RabbitMQ modules use, over containers of `container.py`.

    python engine.py PORT

Every image is ours, every published port is the container's own on this machine. It knows no more than that: what is
to be shown is that the modules' own code finds in the image what it waits for and what it runs.
"""
import json
import re
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from container import Container, Image

API = {"Version": "27.0.0", "ApiVersion": "1.46", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}


class Kept:
    """A container that was made, and is perhaps not started yet."""

    def __init__(self, id, name, said):
        self.id, self.name, self.said, self.container = id, name, said, None

    def start(self, image):
        env = dict(pair.split("=", 1) for pair in self.said.get("Env") or [])
        self.container = Container(image, self.said.get("Cmd"), env)

    def running(self):
        return self.container is not None and self.container.process.poll() is None

    def told(self, image):
        ports = sorted({*("%d/tcp" % port for port in image.ports), *(self.said.get("ExposedPorts") or {})})
        bound = {port: [{"HostIp": "127.0.0.1", "HostPort": port.split("/")[0]}] for port in ports}
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
        return {
            "Id": self.id, "Name": "/" + self.name, "Created": now, "Image": "sha256:0",
            "State": {"Status": "running" if self.running() else "exited", "Running": self.running(), "StartedAt": now,
                      "FinishedAt": now, "ExitCode": 0},
            "Config": {"Labels": self.said.get("Labels") or {}, "Env": self.said.get("Env") or [], "Hostname": "leveret", "Tty": False},
            "HostConfig": {"PortBindings": bound, "NetworkMode": "bridge"},
            "NetworkSettings": {"Ports": bound, "IPAddress": "127.0.0.1", "Gateway": "127.0.0.1",
                                "Networks": {"bridge": {"IPAddress": "127.0.0.1", "Gateway": "127.0.0.1", "NetworkID": "0"}}},
        }


class Engine:
    def __init__(self):
        self.image, self.containers, self.runs = Image(), {}, {}

    def create(self, said, name):
        id = "%064x" % (len(self.containers) + 1)
        self.containers[id] = Kept(id, name or id[-12:], said)
        return {"Id": id, "Warnings": []}

    def exec(self, kept, said):
        id = "%064x" % (len(self.runs) + 1)
        self.runs[id] = [kept, said, None]
        return {"Id": id}


def frames(output):
    """How the engine tells output from errors where there is no terminal."""
    return struct.pack(">BxxxI", 1, len(output)) + output


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine = Engine()

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(body) if body.startswith(b"{") else {}

    def answer(self, value=None, status=200):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Api-Version", API["ApiVersion"])
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, chunks, framed):
        """Until it ends; who asked to upgrade is not answered in chunks."""
        upgraded = self.headers.get("Upgrade") == "tcp"
        self.send_response(101 if upgraded else 200)
        if upgraded:
            self.send_header("Upgrade", "tcp")
        self.send_header("Connection", "Upgrade" if upgraded else "close")
        self.send_header("Content-Type", "application/vnd.docker.%s-stream" % ("multiplexed" if framed else "raw"))
        self.end_headers()
        self.close_connection = True
        try:
            for chunk in chunks:
                self.wfile.write(frames(chunk) if framed else chunk)
                self.wfile.flush()
        except OSError:
            pass                # Who reads has seen enough.

    def do_GET(self):
        url = urlsplit(self.path)
        path, query = re.sub(r"^/v\d[\d.]*", "", url.path), parse_qs(url.query)
        engine = self.engine
        if path == "/_ping":
            self.answer("OK")
        elif path == "/version":
            self.answer(API)
        elif path == "/info":
            self.answer({"OperatingSystem": "linux", "OSType": "linux", "Architecture": "x86_64", "ServerVersion": API["Version"],
                         "NCPU": 1, "MemTotal": 1 << 30, "Labels": []})
        elif path == "/containers/json":
            # Whatever is filtered by, it is the one that was made last.
            self.answer([kept.told(engine.image) for kept in list(engine.containers.values())[-1:]])
        elif re.fullmatch(r"/images/.+/json", path):
            self.answer({"Id": "sha256:0", "RepoTags": ["leveret:latest"], "Config": {"ExposedPorts": {"%d/tcp" % p: {} for p in engine.image.ports}}})
        elif found := re.fullmatch(r"/containers/(\w+)/json", path):
            kept = engine.containers.get(found[1])
            self.answer(kept.told(engine.image)) if kept else self.answer({"message": "No such container"}, 404)
        elif found := re.fullmatch(r"/containers/(\w+)/logs", path):
            self.stream(self.logs(engine.containers[found[1]].container, query.get("follow", ["0"])[0] in ("1", "true", "True")), True)
        elif found := re.fullmatch(r"/exec/(\w+)/json", path):
            process = engine.runs[found[1]][2]
            self.answer({"ID": found[1], "Running": process.poll() is None, "ExitCode": process.poll()})
        else:
            self.answer({"message": "page not found"}, 404)

    def logs(self, container, follow):
        sent = 0
        while True:
            with container.changed:
                if follow:
                    container.changed.wait_for(lambda: len(container.output) > sent or container.ended)
                chunk, ended = container.output[sent:], container.ended
            if chunk:
                yield chunk
            sent += len(chunk)
            if ended or not follow:
                return

    def outcome(self, run):
        """Begun when the headers are sent: who upgrades may lose what comes in one packet with them."""
        run[2] = run[0].container.start(run[1]["Cmd"])
        output, _ = run[2].communicate()
        yield output

    def do_POST(self):
        url = urlsplit(self.path)
        path, query, said = re.sub(r"^/v\d[\d.]*", "", url.path), parse_qs(url.query), self.body()
        engine = self.engine
        if path == "/images/create":
            self.answer({"status": "ours"})
        elif path == "/containers/create":
            self.answer(engine.create(said, query.get("name", [""])[0]), 201)
        elif found := re.fullmatch(r"/containers/(\w+)/start", path):
            engine.containers[found[1]].start(engine.image)
            self.answer(status=204)
        elif found := re.fullmatch(r"/containers/(\w+)/(stop|kill)", path):
            engine.containers[found[1]].container.stop()
            self.answer(status=204)
        elif found := re.fullmatch(r"/containers/(\w+)/exec", path):
            self.answer(engine.exec(engine.containers[found[1]], said), 201)
        elif found := re.fullmatch(r"/exec/(\w+)/start", path):
            self.stream(self.outcome(engine.runs[found[1]]), not said.get("Tty"))
        elif found := re.fullmatch(r"/containers/(\w+)/wait", path):
            self.answer({"StatusCode": engine.containers[found[1]].container.process.wait()})
        else:
            self.answer({"message": "page not found"}, 404)

    def do_DELETE(self):
        found = re.fullmatch(r"(?:/v\d[\d.]*)?/containers/(\w+)", urlsplit(self.path).path)
        kept = found and self.engine.containers.pop(found[1], None)
        if kept and kept.container:
            kept.container.stop()
        self.answer(status=204 if kept else 404)

    do_HEAD = do_GET


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print("ready", flush=True)
    server.serve_forever()
