"""`everycore top` on a terminal and without one, against services that live, end and come again."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from support import becomes_true, case, children, connect, free_port, name_of, send


class Screen:
    """The program on a terminal of its own, and what it has written."""

    def __init__(self, box, *addresses, columns=80, rows=24, environment=None):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ.update({"TERM": "xterm-256color", **(environment or {})})
            os.execv(box.everycore, [box.everycore, "top", *addresses])
        self.text, self.status = "", None

    def read(self, seconds=0.1):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not select.select([self.terminal], [], [], 0.02)[0]:
                continue
            try:
                self.text += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                break
        return self.text

    def shows(self, text, patience=6):
        return becomes_true(lambda: re.search(text, self.read()), patience)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def forget(self):
        self.read()
        self.text = ""

    def resize(self, columns, rows):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def ends(self, patience=5):
        def has_ended():
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid != 0
        return becomes_true(has_ended, patience)

    def kill(self):
        if self.status is None:
            send(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


def serve(box, workers=2, admin=None):
    admin = admin or free_port()
    process, port = box.serve("--admin", f"127.0.0.1:{admin}", workers=workers)
    return process, port, f"http://127.0.0.1:{admin}"


RESTORED = "\x1b[?25h\x1b[?1049l"


@case()
def top_shows_the_workers_and_gives_the_terminal_back(box):
    _, _, address = serve(box)
    for end in ("q", signal.SIGINT, signal.SIGTERM):
        screen = Screen(box, address)
        box.expect(screen.shows(r"2/2 ready") and screen.shows(r"req/s"), f"it shows {screen.text!r}")
        box.expect("\x1b[?1049h" in screen.text, "it takes no screen of its own")
        screen.type(end) if end == "q" else os.kill(screen.pid, end)
        box.expect(screen.ends(), f"{end}: it doesn't end")
        box.expect(screen.status == (0 if end == "q" else 128 + end), f"{end}: status {screen.status}")
        box.expect(screen.text.rstrip().endswith(RESTORED), f"{end}: it ends with {screen.text[-60:]!r}")
        screen.kill()


@case()
def top_obeys_its_keys_and_follows_the_terminals_size(box):
    _, port, address = serve(box)
    screen = Screen(box, address)
    screen.shows("2/2 ready")
    screen.type("h")
    box.expect(screen.shows("this help"), "no help")
    screen.type("h ")
    box.expect(screen.shows("PAUSED"), "no pause")
    screen.read(0.5)
    screen.forget()
    screen.read(2.5)
    box.expect(screen.text == "", f"paused, it writes {screen.text!r}")
    screen.type(" c")
    box.expect(screen.shows("CPU↓"), "it is not sorted by CPU")
    screen.type("\x1b[B\r")
    box.expect(screen.shows("requests that process"), "no requests of a worker")
    # One after the other, for a frame a second.
    waits = connect(port, 10)
    waits.sendall(b"GET /sleep?ms=1000&secret=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4)
    screen.type("a")
    box.expect(screen.shows(r"waiting +GET /sleep(?!\?)"), f"no request that waits: {screen.text!r}")
    waits.close()
    screen.type("a")
    screen.forget()
    screen.resize(120, 40)
    box.expect(screen.shows(r"\x1b\[40;1H"), "the last row of the larger terminal is empty")
    screen.type("q")
    box.expect(screen.ends() and screen.status == 0, f"status {screen.status}")
    screen.kill()


@case()
def top_writes_only_what_has_changed(box):
    _, _, address = serve(box)
    screen = Screen(box, address, environment={"NO_COLOR": "1"})
    screen.shows("2/2 ready")
    screen.read(2)
    screen.forget()
    screen.read(3)
    box.expect(0 < len(screen.text) < 3000 and "\x1b[2J" not in screen.text, f"{len(screen.text)} bytes in three seconds")
    box.expect(not re.search(r"\x1b\[3\dm", screen.text), "colours although NO_COLOR is set")
    screen.kill()


@case()
def top_comes_back_to_a_service_that_comes_back(box):
    admin = free_port()
    process, _, address = serve(box, admin=admin)
    screen = Screen(box, address)
    screen.shows("2/2 ready")
    worker = next(pid for pid in children(process.pid) if name_of(pid).endswith("-admin"))
    screen.forget()
    send(worker, signal.SIGKILL)
    box.expect(screen.shows(f"{address}: "), "it doesn't say that the connection is lost")
    screen.forget()
    box.expect(screen.shows(r"up \d"), "it doesn't go on")
    process.kill()
    process.wait()
    box.expect(screen.shows("no service listens|ended the"), f"it doesn't say that the service is gone: {screen.text[-300:]!r}")
    serve(box, admin=admin)
    screen.forget()
    box.expect(screen.shows(r"2/2 ready|up \d+\.\ds", 10), "it doesn't come back")
    screen.type("q")
    box.expect(screen.ends() and screen.status == 0, f"status {screen.status}")
    screen.kill()


@case()
def top_adds_several_services_up(box):
    one, other = serve(box, workers=2), serve(box, workers=1)
    screen = Screen(box, one[2], other[2], columns=120)
    box.expect(screen.shows(r"2 of 2 services · 3/3 ready"), f"it shows {screen.text[-500:]!r}")
    other[0].kill()
    box.expect(screen.shows(re.escape(other[2]) + ": "), "it doesn't say which one is gone")
    screen.kill()


@case()
def top_without_a_terminal_prints_one_frame(box):
    _, _, address = serve(box)
    done = subprocess.run([box.everycore, "top", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    lines = done.stdout.splitlines()
    box.expect(done.returncode == 0 and "2/2 ready" in lines[0], f"{done}")
    box.expect(sum(" ready " in line for line in lines[1:]) == 2 and "\x1b" not in done.stdout, f"{done.stdout}")
    nothing = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run([box.everycore, "top", nothing], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    box.expect(done.returncode == 69 and nothing in done.stderr, f"{done}")
    done = subprocess.run([box.everycore, "top", "nonsense"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    box.expect(done.returncode == 64 and "nonsense" in done.stderr, f"{done}")
