"""Those that look at a server's figures while it is measured or harmed: a dashboard's event stream, `everycore top` on a terminal, and scrapes of
/metrics, in each of which no counter may be lower than in the one before."""

import contextlib
import os
import pty
import re
import socket
import subprocess
import threading
import time

import build

# Of a worker alone, which may be another one by now; and a sum over workers that are there.
OF_ONE_WORKER = b"everycore_worker_"
SAMPLE = re.compile(rb"^([a-z_]+(?:_total|_bucket|_count|_sum)(?:\{[^}]*\})?) ([0-9.e+]+)$", re.MULTILINE)


def request(port, target):
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return connection


class Watchers:
    """Look until they are told to stop. `counts` says how much they saw, `problems` what may not be."""

    def __init__(self, port, pause):
        self.port, self.pause, self.over = port, pause, threading.Event()
        self.counts = {"frames": 0, "screens": 0, "scrapes": 0, "unanswered scrapes": 0}
        self.problems, self.counters = [], {}

    def __enter__(self):
        self.threads = [threading.Thread(target=body, daemon=True) for body in (self.dashboard, self.scrape, self.top)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(10)

    def answers(self):
        with contextlib.suppress(OSError):
            request(self.port, "/health").close()
            return True
        return self.over.wait(0.02)

    def dashboard(self):
        """Connects again as a browser does, when the stream ends."""
        while not self.over.wait(0.1):
            with contextlib.suppress(OSError), request(self.port, "/events") as stream:
                while not self.over.is_set() and (more := stream.recv(65536)):
                    self.counts["frames"] += more.count(b"data: ")

    def scrape(self):
        while not self.answers():
            pass
        while not self.over.wait(self.pause):
            page = b""
            try:
                with request(self.port, "/metrics") as stream:
                    while more := stream.recv(65536):
                        page += more
            except OSError:
                page = b""
            head, _, content = page.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                self.counts["unanswered scrapes"] += 1
                self.last_refusal = f"{time.time():.3f}: {head[:100]!r} {content[:100]!r}"
                continue
            self.counts["scrapes"] += 1
            self.compare(content)

    def compare(self, page):
        for name, value in SAMPLE.findall(page):
            if name.startswith(OF_ONE_WORKER):
                continue
            value, before = float(value), self.counters.get(name, 0)
            if value < before:
                self.problems.append(f"{name.decode()} went from {before} to {value}")
            self.counters[name] = value

    def top(self):
        while not self.answers():
            pass
        ours, theirs = pty.openpty()
        program = subprocess.Popen([build.everycore(), "top", f"http://127.0.0.1:{self.port}"], stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        threading.Thread(target=lambda: (self.over.wait(), time.sleep(0.1), program.terminate()), daemon=True).start()
        with contextlib.suppress(OSError):
            while more := os.read(ours, 65536):
                self.counts["screens"] += more.count(b"\x1b[?2026h")
        program.wait()
        os.close(ours)
