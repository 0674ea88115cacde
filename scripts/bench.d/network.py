"""TCP as the machine has it, and, where that spreads what it sends over time, a loopback of the bench's own that doesn't.

BBR sends by timers (tcp(7), `net.ipv4.tcp_congestion_control`). On loopback their work falls on the process that runs when one ends, server
or client, so CPU time per process says little about a server whose answers take many segments. Debian's default is cubic,
which sends as acknowledgements come; so does reno, which every network namespace may use.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct

SETTING = "/proc/sys/net/ipv4/tcp_congestion_control"
PACED = ("bbr",)
UNPACED = "reno"
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
_libc = ctypes.CDLL(None, use_errno=True)


def congestion_control():
    with open(SETTING) as file:
        return file.read().strip()


def all_of_them(say):
    """What to measure in, each a name and a function that makes a context in which children use it."""
    found = [(congestion_control(), contextlib.nullcontext)]
    if found[0][0] in PACED:
        try:
            with unpaced():
                found.append((UNPACED, unpaced))
        except OSError as reason:
            say(f"only with {found[0][0]}, whose timers' work falls on any process: no network namespace of our own ({reason.strerror})")
    return found


@contextlib.contextmanager
def unpaced():
    """A network namespace with nothing but a loopback, and reno (network_namespaces(7)); this process is in it meanwhile."""
    with open("/proc/self/ns/net") as before:
        _call(_libc.unshare, CLONE_NEWNET)
        try:
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
            with open(SETTING, "w") as file:
                file.write(UNPACED)
            yield
        finally:
            _call(_libc.setns, before.fileno(), CLONE_NEWNET)


def _call(function, *arguments):
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
