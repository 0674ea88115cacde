"""The servers that are compared: how each is started for a load, and which of them this machine has."""

import os
import shutil
import tempfile
import time

import build
import client
from processes import Failure, Process, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


def installed(program):
    path = shutil.which(program, path=SYSTEM_PATH)
    if not path:
        raise Failure(f"there is no `{program}` on this machine")
    return path


def everycore(port, workers, load, folder, extra=("--quiet",)):
    files = ["--root", os.path.join(folder, "files")] if load in client.FILES else []
    return [build.everycore(), "serve", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
            "--admin", "off", "--control", "off", *files, *extra]


def handlers(port, workers, load, folder):
    """The tests' server: it has the same answer from a synchronous and from an async handler."""
    return [build.handlers(), f"port={port}", f"workers={workers}", "admin=off", "quiet=true"]


def limit(port, workers, load, folder):
    return [build.program("limit"), str(port), str(workers), {"json": "json", "close": "close"}.get(load, "plain")]


def evhttp(port, workers, load, folder):
    return [build.program("evhttp"), str(port), str(workers)]


def nginx(port, workers, load, folder):
    with open(os.path.join(HERE, "peers", "nginx.conf")) as file:
        text = file.read()
    for name, value in {"WORKERS": workers, "PORT": port, "FOLDER": folder}.items():
        text = text.replace(f"@{name}@", str(value))
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w") as file:
        file.write(text)
    return [installed("nginx"), "-e", "stderr", "-p", folder, "-c", configuration]


def node(port, workers, load, folder):
    return [installed("node"), os.path.join(HERE, "peers", "node-cluster.js"), str(port), str(workers)]


def hummingbird(port, workers, load, folder):
    return [build.hummingbird(), str(port), str(workers)] + (["close"] if load == "close" else [])


ALL = {"everycore": everycore, "limit": limit, "nginx": nginx, "evhttp": evhttp, "node": node,
       "hummingbird": hummingbird}


def write_files(folder):
    """The static files, an hour old: no server takes them for ones that are just being written."""
    os.mkdir(os.path.join(folder, "files"))
    os.chmod(folder, 0o755)  # nginx as root has workers of another user
    for name in client.FILES:
        path = os.path.join(folder, "files", f"{name}.bin")
        with open(path, "wb") as file:
            file.write(client.content(name))
        os.utime(path, (time.time() - 3600,) * 2)


def available(names, log):
    """Those of `names` that can run here, built; says why one is left out. Without Everycore there is nothing to compare."""
    found = []
    for name in names:
        try:
            with tempfile.TemporaryDirectory() as folder:
                ALL[name](1, 1, "plain", folder)
            found.append(name)
        except Failure as reason:
            if name == "everycore":
                raise
            log(f"left out: {name}: {reason}")
    return found


class Server:
    """A running server that has answered one request correctly. `sample` is that answer."""

    def __init__(self, name, load="plain", workers=1, cores=None, extra=None):
        self.folder = tempfile.mkdtemp(prefix="everycore-bench-")
        self.port = free_port()
        if load in client.FILES:
            write_files(self.folder)
        arguments = {} if extra is None else {"extra": extra}
        command = {**ALL, "handlers": handlers}[name](self.port, workers, load, self.folder, **arguments)
        self.process = Process(command, cores=cores)
        try:
            self.sample = self.wait_for_answer(self.process, self.port, load)
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def wait_for_answer(process, port, load, patience=15):
        """The first verified answer of a server that was just started."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return client.verified_answer(port, load)
            except OSError:  # refused, reset or too slow: not there yet
                if process.child.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"did not start: {' '.join(process.child.args)}")
                time.sleep(0.01)
            except Failure as reason:
                raise Failure(f"{reason}, from: {' '.join(process.child.args)}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
