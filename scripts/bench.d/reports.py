"""What the reports cost: Everycore printing a report every second, with none, and with all that looks: a dashboard's event stream, `everycore top`
on a terminal, and 200 scrapes of /metrics over the run. Interleaved, on the plain load."""

import contextlib
import os
import pty
import socket
import subprocess
import threading
import time

import build
import load
from processes import free_port
from results import median, progress

VARIANTS = ("off", "on", "watched")
SCRAPES = 200


def request(port, target):
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return connection


class Watchers:
    """Look at a server until they are told to stop. `counts` says how much they saw."""

    def __init__(self, port, seconds):
        self.port, self.seconds, self.over = port, seconds, threading.Event()
        self.counts = {"frames": 0, "scrapes": 0, "screens": 0}

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
        while not self.answers():
            pass
        with contextlib.suppress(OSError), request(self.port, "/events") as stream:
            while not self.over.is_set() and (more := stream.recv(65536)):
                self.counts["frames"] += more.count(b"data: ")

    def scrape(self):
        while not self.over.wait(self.seconds / SCRAPES):
            with contextlib.suppress(OSError), request(self.port, "/metrics") as page:
                while page.recv(65536):
                    pass
                self.counts["scrapes"] += 1

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


def measure(variant, seconds):
    if variant != "watched":
        return load.measure("everycore", "plain", load.placements()[0], seconds, ("--report-interval", "1s" if variant == "on" else "off"))
    port = free_port()
    with Watchers(port, seconds) as watchers:
        row = load.measure("everycore", "plain", load.placements()[0], seconds, ("--report-interval", "1s", "--admin", f"127.0.0.1:{port}"))
    return {**row, **watchers.counts}


def run(rounds, seconds, results):
    rows = []
    for number in range(1, rounds + 1):
        # The order alternates, so that a machine that drifts favours none.
        for variant in VARIANTS if number % 2 else VARIANTS[::-1]:
            row = measure(variant, seconds)
            rows.append({"round": number, "reports": variant, "frames": 0, "scrapes": 0, "screens": 0, **row})
            progress(f"round {number}/{rounds}  reports {variant:7}  {row['cpu_us']:7.3f} µs  {row['errors']}")
    results.write("reports", rows)
    costs = {variant: median([row for row in rows if row["reports"] == variant], "cpu_us") for variant in VARIANTS}
    watched = [row for row in rows if row["reports"] == "watched"]
    results.table("CPU time per request, /plaintext, of all the server's processes", ["reports", "CPU µs/request", "× off"],
                  [[variant, f"{cost:.3f}", f"{cost / costs['off']:.3f}" if costs["off"] else "-"] for variant, cost in costs.items()])
    results.say(", ".join(f"{median(watched, what):.0f} {what}" for what in ("frames", "screens", "scrapes")) + " a run")
    return not any(row["errors"] for row in rows) and all(row["frames"] and row["screens"] for row in watched)
