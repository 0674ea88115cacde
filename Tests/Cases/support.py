"""What the cases share: servers on free ports that end with their case, raw requests, and what /proc says of processes.

A case is a function whose name states a fact about the server. It gets a `Box`, and tells it what it found wrong.
"""

import concurrent.futures
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# A process and a socket more than the cases count with.
os.environ.setdefault("EVERYCORE_CONTROL", "off")

CASES = {}


class Case:
    def __init__(self, body, tools, takes_root):
        self.name, self.body, self.tools, self.takes_root = body.__name__, body, tools, takes_root
        self.file = os.path.basename(body.__code__.co_filename)

    @property
    def obstacle(self):
        """Why it can't run here; None when it can."""
        missing = [tool for tool in self.tools if not shutil.which(tool)]
        if missing:
            return f"{' and '.join(missing)} isn't installed"
        return "it takes root" if self.takes_root and os.geteuid() != 0 else None


def case(tools=(), takes_root=False):
    def register(body):
        CASES[body.__name__] = Case(body, tools, takes_root)
        return body
    return register


class Wrong(Exception):
    """The case can't go on."""


class Box:
    """A case's processes and folders, all gone after it, and what it found."""

    def __init__(self, programs):
        self.programs = os.path.abspath(programs)
        self.everycore = os.path.join(self.programs, "everycore")
        self.problems, self.started, self.folders = [], [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            end_session(process)
        for path in self.folders:
            shutil.rmtree(path, ignore_errors=True)

    def expect(self, holds, otherwise):
        if not holds:
            self.problems.append(otherwise)

    def folder(self, **files):
        """A folder that workers of any user can read. In names of `files`, `__` stands for a dot."""
        path = tempfile.mkdtemp()
        os.chmod(path, 0o755)
        self.folders.append(path)
        for name, content in files.items():
            write(os.path.join(path, name.replace("__", ".")), content)
        return path

    def run(self, *command, **options):
        """A session of its own, whose processes are killed with the case."""
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True, **options}
        process = subprocess.Popen(command, **options)
        self.started.append(process)
        return process

    def serve(self, *options, before=(), workers=1, environment=None, **more):
        """`everycore serve`, from when it answers. The process, and the port."""
        port = free_port()
        admin = () if "--admin" in options else ("--admin", "off")
        variables = {**os.environ, **(environment or {})}
        process = self.run(*before, self.everycore, "serve", "--host", "127.0.0.1", "--port", str(port), "--quiet", "--workers", str(workers),
                           *admin, *options, env=variables, **more)
        wait_for_answer(port, process)
        return process, port

    def serve_own(self, workers=1):
        """The program of the tests that is made with the library."""
        port = free_port()
        process = self.run(os.path.join(self.programs, "everycore-case-program"), str(port), str(workers))
        wait_for_answer(port, process)
        return process, port


# Requests

def free_port():
    """Below the ephemeral ports, and one of so many that two cases don't find the same one."""
    for _ in range(1000):
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Wrong("no free port")


def wait_for_answer(port, process=None, patience=15):
    """Until a worker answers: then the master, too, does all that it does."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process and process.poll() is not None:
            raise Wrong(f"the server ended with {process.returncode}")
        try:
            if ask(port, "/health", patience=2)[0] == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise Wrong("the server didn't answer")


def connect(place, patience=5):
    """To a port, or to the path of a Unix socket."""
    connection = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
    connection.settimeout(patience)
    try:
        connection.connect(place if isinstance(place, str) else ("127.0.0.1", place))
    except OSError:
        connection.close()
        raise
    return connection


def read_all(connection):
    """To the end, or as far as it comes."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except OSError:
        pass
    return received


def ask(place, target, *fields, patience=15):
    """Status, fields in lower case, content; status 0 where nothing came."""
    with connect(place, patience) as connection:
        head = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *fields]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        received = read_all(connection)
    if not received:
        return 0, {}, b""
    head, _, content = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}, content


def answers(place, target="/health"):
    try:
        return ask(place, target, patience=3)[0] == 200
    except OSError:
        return False


# Processes

def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def stat(pid):
    """/proc/PID/stat from the state on (proc_pid_stat(5), field 3); None for a process that is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields
    except OSError:
        return None


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def is_alive(pid):
    return stat(pid) is not None


def session(leader):
    """Every process of the session: an upgrade's new master is of it."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if (fields := stat(pid)) and int(fields[3]) == leader]


def end_session(process):
    for pid in session(process.pid):
        send(pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def becomes_true(condition, patience=5):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# Small things

def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def at_once(body, arguments, most=4):
    """What `body` returned for each of these, up to `most` at a time."""
    with concurrent.futures.ThreadPoolExecutor(most) as pool:
        return list(pool.map(body, arguments))
