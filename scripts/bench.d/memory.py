"""Memory: PSS of each idle worker, and what an idle connection costs its worker in user space.

PSS (smaps_rollup, proc_pid_smaps(5)) counts a page shared by n processes as 1/n. For the connections one worker holds
10,000 that had one request each served; its growth since it had served and lost 100 is divided by their number.
"""

import subprocess
import time

import build
from processes import Failure, Process, memory
from results import median
from servers import Server

CONNECTIONS = 10_000
WARM_UP_CONNECTIONS = 100
WORKERS = 2
SETTLE_SECONDS = 0.5


def run(names, rounds, results):
    rows = [{"round": number, "server": name, **measure(name)} for number in range(1, rounds + 1) for name in names]
    results.write("memory", rows)
    table = []
    for name in names:
        mine = [row for row in rows if row["server"] == name]
        table.append([name] + [f"{median(mine, field) / 1e6:.2f}" for field in ("worker_pss", "worker_private", "master_pss")]
                     + [f"{median(mine, field):.0f}" for field in ("connection_pss", "connection_private")])
    columns = ["server", "PSS MB/worker", "private dirty MB/worker", "PSS MB master", "PSS B/idle connection",
               "private dirty B/idle connection"]
    results.table(f"memory: {WORKERS} idle workers; {CONNECTIONS} idle connections on one worker (MB = 10⁶ bytes)",
                  columns, table)
    results.say("  hummingbird is one process with as many threads as the others have workers: all of it is its worker")
    return True


def measure(name):
    with Server(name, workers=WORKERS) as server:
        time.sleep(SETTLE_SECONDS)
        workers = server.process.workers()
        master = memory(server.process.pid)
        each = [memory(pid) for pid in workers] or [master]
    pss, private = per_connection(name)
    return {
        "worker_pss": sum(one["Pss"] for one in each) // len(each),
        "worker_private": sum(one["Private_Dirty"] for one in each) // len(each),
        "master_pss": master["Pss"] if workers else 0, "connection_pss": pss, "connection_private": private,
    }


def per_connection(name):
    """Growth of all the server's processes but the master, in bytes per connection."""
    with Server(name, workers=1) as server:
        holders = server.process.workers() or [server.process.pid]
        with idle(server, WARM_UP_CONNECTIONS):
            pass
        time.sleep(SETTLE_SECONDS)
        before = [memory(pid) for pid in holders]
        with idle(server, CONNECTIONS):
            time.sleep(SETTLE_SECONDS)
            after = [memory(pid) for pid in holders]
    return tuple((sum(one[kind] for one in after) - sum(one[kind] for one in before)) / CONNECTIONS
                 for kind in ("Pss", "Private_Dirty"))


class idle(Process):
    """Holds `count` open connections until the block ends."""

    def __init__(self, server, count):
        super().__init__([build.program("idle"), str(server.port), str(count)], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
        if self.child.stdout.readline() != f"open {count}\n":
            self.stop()
            raise Failure(f"could not open {count} connections")

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(10)
        super().__exit__()
