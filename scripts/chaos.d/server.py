"""A server of a storm's own on free ports, with what it says of itself, and its processes: `everycore serve`, or the program of the tests
whose handlers do harm.

An upgrade changes the master: `pid` is the one in charge. All are of one session, by which they are found at the end.
"""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import time

import build
from family import children, command_name, descriptor_count, send
from processes import Failure, Process, free_port, stat_fields
from watchers import Watchers

# What ends a storm before its verdict.
TROUBLE = (Failure, OSError, ValueError, http.client.HTTPException, subprocess.TimeoutExpired)
# What the names of workers begin with: a number follows.
WORKER_NAME = "everycore-w"
# The folder in which logs are kept.
logs = None
# Whether a dashboard, `top` and scrapes look at every server, and what they saw of all.
is_watched = False
watched = {}
_running = []


class Server:
    def __init__(self, workers=2, settings="", options=(), port=None, before=(), harm=None, patience=20, environment=None):
        """
        settings  lines of YAML
        before    what starts the command
        environment  more of it than this process has
        patience  seconds until all workers are ready
        harm      arguments of the harmful program, which is started instead of the command
        """
        self.port, self.admin = port or free_port(), free_port()
        self.folder = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(logs, f"{self.port}.log") if logs else os.path.join(self.folder.name, "log")
        self.command = self.command_line(workers, settings, options) if harm is None else self.harmful(workers, harm)
        begun = time.monotonic()
        with open(self.log_path, "w") as log:
            self.process = Process([*before, *self.command], stderr=log, environment=environment)
        self.pid = self.process.pid
        _running.append(self)
        self.wait_for_workers(None if workers == "auto" else workers, patience)
        self.start_seconds = time.monotonic() - begun
        self.watchers = Watchers(self.admin, 0.1).__enter__() if is_watched else None
        self.idle_descriptors = min(map(descriptor_count, self.worker_pids_by_stats()), default=0)

    def command_line(self, workers, settings, options):
        words = [build.everycore(), "serve", "--host", "127.0.0.1", "--port", str(self.port), "--admin", f"127.0.0.1:{self.admin}",
                 "--workers", str(workers), "--log-format", "json", "--report-interval", "off", *options]
        if settings:
            path = os.path.join(self.folder.name, "everycore.yaml")
            with open(path, "w") as file:
                file.write(settings)
            words += ["--config", path]
        return words

    def harmful(self, workers, harm):
        return [build.handlers(), "host=127.0.0.1", f"port={self.port}", f"admin=127.0.0.1:{self.admin}", f"workers={workers}", "log_format=json",
                "report_interval=off", *harm]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # What it says

    def stats(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        try:
            connection.request("GET", "/stats")
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise Failure(f"/stats was answered with {answer.status}: {content.decode(errors='replace').strip()}")
            return json.loads(content)
        finally:
            connection.close()

    def wait_for_workers(self, count, patience=20):
        """Until so many are wanted, and all that are wanted are ready."""
        deadline = time.monotonic() + patience
        while True:
            try:
                workers = self.stats()["workers"]
                ready = [worker for worker in workers if worker["state"] == "ready"]
                if workers and len(ready) == len(workers) and count in (None, len(workers)):
                    return len(ready)
            except TROUBLE:
                workers = None
            has_ended = self.pid == self.process.pid and self.process.child.poll() is not None
            if has_ended or time.monotonic() > deadline:
                raise Failure("the server has ended\n" + self.last_words() if has_ended else
                              f"not {count or 'all'} workers ready within {patience} s: {workers and [w['state'] for w in workers]}\n"
                              + self.last_words())
            time.sleep(0.01)

    def wait_for_others(self, pids, count, patience=20, pause=0.005):
        """Until so many workers are ready that are none of these. To ask is work for the server too, the more workers there are."""
        pids, deadline = set(pids), time.monotonic() + patience
        while time.monotonic() < deadline:
            workers = self.stats()["workers"]
            if sum(worker["state"] == "ready" and worker["pid"] not in pids for worker in workers) >= count:
                return
            time.sleep(pause)
        raise Failure(f"not {count} new workers ready within {patience} s\n" + self.last_words())

    def log(self):
        lines = []
        with open(self.log_path, errors="replace") as file:
            for line in file:
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    # What a crashed program and its backtracer print.
                    lines.append({"level": "output", "message": line.strip()})
        return lines

    def events(self, name):
        return [line for line in self.log() if line.get("event") == name]

    def moment(self, event):
        """When such an event was last logged, by the monotonic clock."""
        return time.monotonic() - (time.time() - float(self.events(event)[-1]["time"]))

    def wait_for(self, event, count, patience=20):
        """Until the log has so many such events; the last of them."""
        deadline = time.monotonic() + patience
        while len(found := self.events(event)) < count:
            if time.monotonic() > deadline or self.process.child.poll() not in (None, 0):
                raise Failure(f"{event} was logged {len(found)} times, not {count}, within {patience} s\n" + self.last_words())
            time.sleep(0.01)
        return found[-1]

    def last_words(self):
        return "\n".join(f"    {json.dumps(line)}" for line in self.log()[-10:])

    # Its processes

    def worker_pids(self):
        """Those that serve by themselves: not the admin pages' process, not the quarantine worker, not a new master."""
        return [pid for pid in children(self.pid) if command_name(pid).startswith(WORKER_NAME)]

    def worker_pids_by_stats(self):
        return [worker["pid"] for worker in self.stats()["workers"]]

    def signal(self, number):
        send(self.pid, number)

    def succeed(self, pid):
        """Another master is in charge."""
        self.pid = pid

    def follow(self):
        """Looks which master is in charge, after orders that were not waited for. Says how often the role was taken over."""
        begun, count, pid = None, 0, None
        for line in self.log():
            if line.get("event") == "upgrade_started":
                begun = int(line["new_pid"])
            elif line.get("event") == "upgrade_took_over":
                count, pid = count + 1, begun
        self.pid = pid or self.pid
        return count

    def wait_for_quiet(self, patience):
        """Until no order is under way: the last upgrade is over, and its old master gone."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            taken = self.follow()
            ended = len(self.events("upgrade_failed"))
            if len(self.events("upgrade_started")) == taken + ended and len(self.events("old_master_exited")) == taken:
                return
            time.sleep(0.1)
        raise Failure(f"an upgrade was neither carried out nor given up within {patience} s\n" + self.last_words())

    def family(self):
        """Every process of the session: no other program has it."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            fields = stat_fields(int(name))
            if fields and int(fields[3]) == self.process.pid:
                found.append(int(name))
        return found

    def stop(self, patience=20, again=None):
        """TERM, and once more after `again` seconds; what is left after that is killed. Says what was wrong with the end."""
        if self not in _running:
            return []
        _running.remove(self)
        problems = self.stop_watching()
        self.signal(signal.SIGTERM)
        status = self.wait_for_end(again or patience)
        if again and status is None:
            self.signal(signal.SIGTERM)
            status = self.wait_for_end(patience)
        if status is None:
            problems.append(f"the master stayed for {patience} s after TERM")
        elif status != 0:
            problems.append(f"the master ended with status {status}")
        begun = time.monotonic()
        # A backtrace that is being written takes its time, and ends by itself.
        while (left := {pid: command_name(pid) for pid in self.family()}) and time.monotonic() < begun + (
                10 if all(name == "swift-backtrace" for name in left.values()) else 1):
            time.sleep(0.01)
        for pid, name in left.items():
            problems.append(f"process {pid} ({name}) was left over")
            send(pid, signal.SIGKILL)
        self.process.stop()
        return problems

    def stop_watching(self):
        if not self.watchers:
            return []
        self.watchers.__exit__()
        for what, count in self.watchers.counts.items():
            watched[what] = watched.get(what, 0) + count
        return self.watchers.problems[:10]

    def wait_for_end(self, patience):
        """The master's exit status (negative: a signal); None when it stays."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.pid == self.process.pid:
                status = self.process.child.poll()
            else:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                status = os.waitstatus_to_exitcode(status) if pid else None
            if status is not None:
                return status
            time.sleep(0.005)
        return None


def stop_all():
    for server in list(_running):
        server.stop(patience=3)
