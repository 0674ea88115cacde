"""A cgroup for a server of a storm, to change what it may use of the machine: its CPU quota, or its affinity mask where no cgroup can
be written."""

import math
import os
import time

PERIOD_US = 100_000
# All that the storms' servers have from the beginning.
MOST_CORES = min(2, len(os.sched_getaffinity(0)))


class Cgroup:
    """A group below this process' own. None of it is left after `remove`."""

    def __init__(self, parent, is_unified):
        self.path = os.path.join(parent, f"everycore-chaos-{os.getpid()}")
        self.is_unified = is_unified
        if is_unified:
            self.write("cgroup.subtree_control", "+cpu", parent)
        os.mkdir(self.path)
        try:
            self.limit(1)
        except OSError:
            self.remove()
            raise

    def write(self, name, text, path=None):
        with open(os.path.join(path or self.path, name), "w") as file:
            file.write(text)

    def limit(self, cores):
        if self.is_unified:
            self.write("cpu.max", f"{int(cores * PERIOD_US)} {PERIOD_US}")
        else:
            self.write("cpu.cfs_period_us", str(PERIOD_US))
            self.write("cpu.cfs_quota_us", str(int(cores * PERIOD_US)))

    def before(self):
        """Starts a command in the group."""
        return ["sh", "-c", f'echo $$ >"{self.path}/cgroup.procs" && exec "$@"', "sh"]

    def remove(self):
        deadline = time.monotonic() + 5
        while os.path.exists(self.path):
            try:
                os.rmdir(self.path)
            except OSError:
                # Processes that ended a moment ago.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def find_cgroup():
    """Below the group that this process is in, where that can be written; else None."""
    with open("/proc/self/mountinfo") as file:
        mounts = [line.split(" - ")[0].split()[3:5] + line.split(" - ")[1].split() for line in file]
    with open("/proc/self/cgroup") as file:
        memberships = [line.strip().split(":", 2) for line in file]
    for number, controllers, path in sorted(memberships, key=lambda one: one[1] != "cpu"):
        for root, point, kind, _, options in mounts:
            is_unified = number == "0" and kind == "cgroup2"
            if not is_unified and not (kind == "cgroup" and "cpu" in controllers.split(",") and "cpu" in options.split(",")):
                continue
            try:
                return Cgroup(os.path.join(point, os.path.relpath(path, root) if path.startswith(root) else ""), is_unified)
            except OSError:
                continue
    return None


class Share:
    """Of the machine's cores, for one server."""

    def __init__(self):
        self.group = find_cgroup()
        # The mask has whole cores only.
        self.levels = [0.5, MOST_CORES, 1] if self.group else [1, MOST_CORES]
        self.name = "quota" if self.group else "affinity mask, as no cgroup can be written"
        self.before = self.group.before() if self.group else ()
        if self.group:
            self.group.limit(MOST_CORES)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.group:
            self.group.remove()

    def set(self, server, cores):
        """How many workers follow from it."""
        if self.group:
            self.group.limit(cores)
        else:
            os.sched_setaffinity(server.pid, sorted(os.sched_getaffinity(0))[:math.ceil(cores)])
        return math.ceil(cores)
