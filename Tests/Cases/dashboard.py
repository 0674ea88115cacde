"""The admin's dashboard: while workers are stuck or gone, its event streams, and the history, which outlives everything but the service."""

import json
import os
import re
import signal
import socket
import threading
import time

from support import ask, becomes_true, case, children, connect, free_port, name_of, send

LATE = 0.05


def serve(box, *options, workers=2, **more):
    admin = free_port()
    process, port = box.serve("--admin", f"127.0.0.1:{admin}", *options, workers=workers, **more)
    return process, port, admin


def timed(admin, path):
    began = time.monotonic()
    status, fields, body = ask(admin, path)
    return status, body, time.monotonic() - began


def worker_pids(process):
    return [pid for pid in children(process.pid) if "-w" in name_of(pid)]


def admin_pid(process):
    return next(pid for pid in children(process.pid) if name_of(pid).endswith("-admin"))


class Events:
    """One event stream, and the frames that have come."""

    def __init__(self, admin):
        self.connection = connect(admin, 10)
        self.connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.bytes, self.head = b"", None

    def frame(self, patience=5):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = re.search(rb"data: (\{.*?\})\n\n", self.bytes)
            if found:
                self.head = self.head or self.bytes.split(b"\r\n\r\n")[0]
                self.bytes = self.bytes[found.end():]
                return json.loads(found.group(1))
            try:
                self.connection.settimeout(max(deadline - time.monotonic(), 0.01))
                more = self.connection.recv(65536)
            except TimeoutError:
                return None
            if not more:
                return None
            self.bytes += more
        return None


def history(admin, span="5m"):
    return json.loads(ask(admin, f"/history?span={span}")[2])


def requests_in(page):
    column = page["columns"].index("requests")
    return sum(step[column] for step in page["steps"])


@case()
def the_dashboard_answers_at_once_while_all_workers_are_stopped(box):
    process, port, admin = serve(box)
    timed(admin, "/")
    pids = worker_pids(process)
    for pid in pids:
        send(pid, signal.SIGSTOP)
    took = []
    for path in ("/", "/", "/history", "/") * 10:
        status, body, seconds = timed(admin, path)
        took.append(seconds)
        box.expect(status == 200, f"{path}: {status}")
    box.expect(becomes_true(lambda: b"unresponsive" in timed(admin, "/")[1], 3), "the page doesn't say that they don't respond")
    events = Events(admin)
    frame = events.frame()
    box.expect(frame and len(frame["workers"]) == 2, f"a frame of {frame and frame['workers']}")
    for pid in pids:
        send(pid, signal.SIGCONT)
    # One of them may have met another program's time slice.
    box.expect(sorted(took)[-2] < LATE, f"the answers took {took}")


@case()
def the_requests_that_run_are_shown_while_all_workers_are_stopped(box):
    process, port, admin = serve(box)
    waits = connect(port, 20)
    # One after the other.
    waits.sendall(b"GET /sleep?ms=1000&secret=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
    box.expect(becomes_true(lambda: b"/sleep" in ask(admin, "/requests")[2], 4), "no request is listed")
    pids = worker_pids(process)
    for pid in pids:
        send(pid, signal.SIGSTOP)
    listed = json.loads(ask(admin, "/requests")[2])["requests"]
    said = [(entry["state"], entry["method"], entry["target"], entry["route"]) for entry in listed]
    box.expect(said == [("waiting", "GET", "/sleep", "GET /sleep")] and listed[0]["pid"] in pids, f"the list is {listed}")
    page = ask(admin, "/")[2]
    box.expect(b"GET /sleep" in page and b"secret" not in page, "the page doesn't show it")
    frame = Events(admin).frame()
    box.expect([entry["target"] for entry in frame["requests"]] == ["/sleep"], f"the frame has {frame['requests']}")
    stacks = json.loads(ask(admin, "/stacks")[2])["stacks"]
    box.expect([entry["state"] for entry in stacks] == ["no answer"] * 2, f"the stacks are {stacks}")
    for pid in pids:
        send(pid, signal.SIGCONT)
    stacks = json.loads(ask(admin, "/stacks")[2])["stacks"]
    box.expect(sorted(entry["pid"] for entry in stacks) == sorted(pids), f"the stacks are {stacks}")
    box.expect(all(entry["state"] == "idle" and any("EventLoop" in name for name in entry["stack"]) for entry in stacks), f"the stacks are {stacks}")
    box.expect(ask(admin, "/stacks", "Sec-Fetch-Site: cross-site")[0] == 403, "a page of another site may have the workers interrupted")


@case()
def the_dashboard_answers_at_once_while_workers_die_and_start(box):
    process, port, admin = serve(box)
    took = []
    for _ in range(6):
        for pid in worker_pids(process):
            send(pid, signal.SIGKILL)
        for _ in range(5):
            status, _, seconds = timed(admin, "/")
            took.append(seconds)
            box.expect(status == 200, f"{status}")
            time.sleep(0.02)
    box.expect(sorted(took)[-2] < LATE, f"the answers took {took}")
    box.expect(any(mark[1] == "death" for mark in history(admin)["marks"]), "no mark of a death")


@case()
def an_event_stream_tells_the_rates_of_each_second(box):
    _, port, admin = serve(box)
    events = Events(admin)
    events.frame()
    for _ in range(20):
        ask(port, "/plaintext")
    frames = [events.frame() for _ in range(3)]
    box.expect(all(frames), "no frames")
    sent = sum(frame["interval"].get("requests", 0) for frame in frames)
    box.expect(20 <= sent <= 22, f"{sent} requests in three frames")
    box.expect(b"text/event-stream" in events.head and b"no-store" in events.head, f"{events.head}")
    pairs = [frame["interval"].get("histogram", []) for frame in frames]
    box.expect(sum(sum(one[1::2]) for one in pairs) == sent, f"the histograms hold {pairs}")


@case()
def a_client_that_reads_no_events_is_dropped_and_others_go_on(box):
    # Another deadline would end it, too, and later.
    environment = {"EVERYCORE_TIMEOUTS_WRITE": "600s"}
    _, port, admin = serve(box, "--workers", "8", workers=8, environment=environment)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    # The kernel gives a connection room for some segments: on loopback these are large, and a megabyte would wait there.
    slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    slow.connect(("127.0.0.1", admin))
    slow.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    events = Events(admin)

    ends = f"0100007F:{admin:04X} 0100007F:{slow.getsockname()[1]:04X} "

    def is_dropped():
        # The end itself can't arrive: the client's window is closed.
        events.frame(2)
        with open("/proc/net/tcp") as table:
            return not any(ends + "01 " in line for line in table)

    box.expect(becomes_true(is_dropped, 60), "it holds its stream for a minute")
    box.expect(events.frame() is not None, "the other one gets nothing")


@case()
def more_event_streams_than_the_limit_are_refused_and_the_page_answers(box):
    _, port, admin = serve(box)
    streams = [Events(admin) for _ in range(32)]
    box.expect(all(stream.frame() for stream in streams), "not every stream has frames")
    box.expect(ask(admin, "/events")[0] == 503, "one more than the limit is not refused")
    box.expect(timed(admin, "/")[0] == 200, "the page doesn't answer")
    for stream in streams:
        stream.connection.close()
    box.expect(becomes_true(lambda: Events(admin).frame(2) is not None, 10), "the places of those that went are not free")


@case()
def the_history_outlives_a_reload_an_upgrade_and_the_admin_worker(box):
    process, port, admin = serve(box)
    for _ in range(50):
        ask(port, "/plaintext")
    box.expect(becomes_true(lambda: requests_in(history(admin)) >= 50, 5), "the requests are not in the history")

    def survives(act, mark):
        before = history(admin)
        act()

        def is_there():
            try:
                page = history(admin)
            except (OSError, ValueError):
                return False
            return (mark is None or any(one[1] == mark for one in page["marks"])) and requests_in(page) >= requests_in(before) and \
                page["steps"][-1][0] > before["steps"][-1][0] and page["steps"][0][0] == before["steps"][0][0]
        box.expect(becomes_true(is_there, 15), f"{mark}: {len(before['steps'])} steps before, marks {history(admin)['marks']}")

    survives(lambda: send(admin_pid(process), signal.SIGKILL), None)
    survives(lambda: send(process.pid, signal.SIGHUP), "reload")
    survives(lambda: send(process.pid, signal.SIGUSR2), "upgrade")
    total = json.loads(ask(admin, "/stats")[2])["total"]["requests"]
    time.sleep(1.1)
    counted = requests_in(history(admin))
    box.expect(counted <= total + 5, f"{counted} in the history, {total} in all: some are there twice")


@case()
def an_open_event_stream_holds_no_stop_up(box):
    process, port, admin = serve(box)
    events = Events(admin)
    events.frame()
    began = time.monotonic()
    process.terminate()
    process.wait(20)
    box.expect(time.monotonic() - began < 3, f"the stop took {time.monotonic() - began:.1f} s")


@case()
def an_event_stream_outlasts_the_handlers_time(box):
    _, port, admin = serve(box, environment={"EVERYCORE_TIMEOUTS_HANDLER": "1s", "EVERYCORE_TIMEOUTS_IDLE": "1s"})
    events = Events(admin)
    frames = [events.frame(3) for _ in range(6)]
    box.expect(all(frames), f"{sum(1 for one in frames if one)} frames, then none")
