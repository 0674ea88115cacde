"""The processes of a server: which there are, and signals to them."""

import ctypes
import os

from processes import stat_fields

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """A new master's parent is the old one; when that has gone it becomes this process' child, to be waited for."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(of):
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if pid > 1 and (fields := stat_fields(pid)) and int(fields[1]) == of]


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return "gone"


def descriptor_count(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def send(pid, number):
    """False for a process that is gone."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False
