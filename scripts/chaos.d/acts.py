"""What happens to a server in a storm."""

import random
import signal
import time

from family import descriptor_count, send

# So many connections that come and go may have become a worker's since they were counted.
COME_AND_GO = 16


def kill_worker(server, verdict):
    """KILL to a random worker."""
    workers = server.worker_pids()
    return kill(server, verdict, random.choice(workers)) if workers else 0


def kill(server, verdict, pid):
    return kill_all(server, verdict, [pid])


def kill_all(server, verdict, pids):
    """At once. How many requests that can have cost: one for each connection that the workers had."""
    had = {pid: max(descriptor_count(pid) - server.idle_descriptors, 0) for pid in pids}
    # Its losses may be noticed before the call returns.
    begun = time.monotonic()
    killed = [pid for pid in pids if send(pid, signal.SIGKILL)]
    verdict.kills += [(begun, pid) for pid in killed]
    return sum(had[pid] + COME_AND_GO for pid in killed)


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
    server.wait_for("reload_finished", count, patience)


def upgrade(server, count, patience=20):
    """The upgrade number `count` of this server."""
    server.signal(signal.SIGUSR2)
    pid = int(server.wait_for("upgrade_started", count, patience)["new_pid"])
    server.wait_for("old_master_exited", count, patience)
    server.succeed(pid)
