"""A server under measurement and what the kernel says of it: its processes, their CPU time, their memory.

Every child that the bench starts is started here, leads a session of its own (Ctrl-C reaches the bench, which then ends
them in order), gets SIGTERM when the bench dies, and is ended by its pid.
"""

import os
import resource
import signal
import socket
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
_ports = iter(range(18000 + os.getpid() % 4000, 32000))  # below the ephemeral ports, which the clients use
_running = []


class Failure(Exception):
    """A measurement that can't be had; the message says what to do about it."""


def raise_file_limit():
    """10,000 connections need more than the usual 1,024 descriptors, here and in every server."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no free port below 32000")


class Process:
    """A child and all its descendants."""

    def __init__(self, command, cores=None, environment=None, stdin=None, stdout=subprocess.DEVNULL, stderr=None):
        if cores is not None:
            command = ["taskset", "-c", ",".join(map(str, cores))] + command
        self.child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM"] + command, stdin=stdin or subprocess.DEVNULL, stdout=stdout,
            stderr=stderr, env={**os.environ, **(environment or {})}, start_new_session=True, text=True)
        self.pid = self.child.pid
        _running.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def workers(self):
        """Descendants, parents before their children."""
        parents = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            fields = stat_fields(int(name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(name))
        found, waiting = [], [self.pid]
        while waiting:
            children = sorted(parents.get(waiting.pop(0), []))
            found += children
            waiting += children
        return found

    def cpu_seconds(self):
        """User and system time of every process of the tree, and of the children that each has reaped."""
        total = 0
        for pid in [self.pid] + self.workers():
            fields = stat_fields(pid)
            if fields:
                total += sum(map(int, fields[11:15]))
        return total / TICKS

    def stop(self, patience=15):
        """SIGTERM to the root, which drains and ends its own; what is left after `patience` seconds is killed."""
        if self not in _running:
            return
        _running.remove(self)
        family = self.workers()
        if self.child.poll() is None:
            self.child.terminate()
        try:
            self.child.wait(patience)
        except subprocess.TimeoutExpired:
            print(f"killed, for it did not leave on SIGTERM: {' '.join(self.child.args)}", file=sys.stderr)
            self.child.kill()
            self.child.wait()
        deadline = time.monotonic() + 2
        while any(stat_fields(pid) for pid in family) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in family:
            fields = stat_fields(pid)
            if fields and int(fields[3]) == self.pid:  # still of this session: the pid is not reused by now
                os.kill(pid, signal.SIGKILL)


def stop_all():
    for process in list(reversed(_running)):
        process.stop(patience=3)


def stat_fields(pid):
    """/proc/PID/stat from the state on (proc_pid_stat(5), field 3); None for a process that is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
            return None if fields[0] == "Z" else fields
    except (FileNotFoundError, ProcessLookupError):
        return None


def busy_seconds(cores):
    """What these cores were not idle (proc_stat(5)), of all processes."""
    names = {f"cpu{core}" for core in cores}
    with open("/proc/stat") as file:
        rows = [line.split() for line in file if line.split()[0] in names]
    # user, nice, system, [idle, iowait,] irq, softirq
    return sum(sum(map(int, row[1:4] + row[6:8])) for row in rows) / TICKS


def memory(pid):
    """Bytes by kind (Rss, Pss, Private_Dirty, …) from /proc/PID/smaps_rollup."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        next(file)
        return {name: int(value.split()[0]) * 1024 for name, value in (line.split(":") for line in file)}
