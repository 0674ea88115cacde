"""What happens to a server in a storm."""

import random
import signal
import time

from server import descriptor_count, send
from traffic import SHORT


def kill_worker(server, verdict):
    """KILL to a random worker. How many requests that can have cost: one for each connection that the worker had."""
    workers = server.worker_pids()
    if not workers:
        return 0
    pid = random.choice(workers)
    had = max(descriptor_count(pid) - server.idle_descriptors, 0)
    verdict.kills.append((time.monotonic(), pid))
    # Those that come and go may have become more since.
    return had + SHORT if send(pid, signal.SIGKILL) else 0


def pause_worker(server, seconds):
    workers = server.worker_pids()
    if not workers:
        return
    pid = random.choice(workers)
    send(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        send(pid, signal.SIGCONT)


def reload(server, count):
    """The reload number `count` of this server."""
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded", count)


def upgrade(server, count):
    """The upgrade number `count` of this server."""
    server.signal(signal.SIGUSR2)
    pid = int(server.wait_for("upgrading", count)["new_pid"])
    server.wait_for("the old master has gone", count)
    server.succeed(pid)


def try_upgrade(server):
    """False when the server refused, or its new master failed."""
    begun, refused = len(server.mentions("upgrading")), len(server.mentions(REFUSED[0])) + len(server.mentions(REFUSED[1]))
    gone = len(server.mentions("the old master has gone"))
    server.signal(signal.SIGUSR2)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if len(server.mentions(REFUSED[0])) + len(server.mentions(REFUSED[1])) > refused:
            return False
        lines = server.mentions("upgrading")
        if len(lines) > begun and len(server.mentions("the old master has gone")) > gone:
            server.succeed(int(lines[-1]["new_pid"]))
            return True
        time.sleep(0.01)
    return False


REFUSED = ("no upgrade now: one is under way, or the cluster stops", "no upgrade now: a reload is under way")
