"""What happens to a server in a storm."""

import random
import signal
import time

from server import descriptor_count, send

# So many connections that come and go may have become a worker's since they were counted.
COME_AND_GO = 16


def kill_worker(server, verdict):
    """KILL to a random worker."""
    workers = server.worker_pids()
    return kill(server, verdict, random.choice(workers)) if workers else 0


def kill(server, verdict, pid):
    """How many requests that can have cost: one for each connection that the worker had."""
    had = max(descriptor_count(pid) - server.idle_descriptors, 0)
    verdict.kills.append((time.monotonic(), pid))
    return had + COME_AND_GO if send(pid, signal.SIGKILL) else 0


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


def reload(server, count, patience=20):
    """The reload number `count` of this server."""
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded", count, patience)


def upgrade(server, count, patience=20):
    """The upgrade number `count` of this server."""
    server.signal(signal.SIGUSR2)
    pid = int(server.wait_for("upgrading", count, patience)["new_pid"])
    server.wait_for("the old master has gone", count, patience)
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
