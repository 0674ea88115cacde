"""Connections: those on which nothing comes, those that last, and what old and new clients send on them."""

import json
import re
import subprocess
import time

from support import ask, case, connect, free_port, read_all

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
STATUS = re.compile(rb"HTTP/1.1 (\d+)")


@case()
def a_connection_without_a_request_gets_no_answer_and_counts_as_none(box):
    admin = free_port()
    _, port = box.serve("--admin", f"127.0.0.1:{admin}", environment={"EVERYCORE_TIMEOUTS_HEADER": "1s"})

    def figures():
        total = json.loads(ask(admin, "/stats")[2])["total"]
        return {"requests": total["requests"], "4xx": total["responses"]["4xx"]}

    before = figures()
    with connect(port, 10) as connection:
        received = read_all(connection)
    time.sleep(0.5)
    after = figures()
    box.expect(not received, f"{received.splitlines()[:1]} came unasked")
    box.expect(before == after, f"the figures went from {before} to {after}")


@case()
def empty_lines_behind_content_begin_no_request(box):
    """Old clients send one or two behind a POST. RFC 9112, 2.2."""
    _, port = box.serve(environment={"EVERYCORE_TIMEOUTS_HEADER": "1s", "EVERYCORE_TIMEOUTS_IDLE": "3s"})
    for extra in (b"\r\n", b"\r\n\r\n"):
        with connect(port, 8) as connection:
            begun = time.monotonic()
            connection.sendall(POST + extra)
            statuses = STATUS.findall(read_all(connection))
            box.expect(statuses == [b"200"], f"{extra!r}: {statuses} after {time.monotonic() - begun:.1f} s")
        with connect(port, 3) as connection:
            connection.sendall(POST + extra)
            time.sleep(0.3)
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            statuses = STATUS.findall(read_all(connection))
            box.expect(statuses == [b"200", b"200"], f"{extra!r} and a GET: {statuses}")


@case()
def empty_lines_behind_content_hold_no_stop_up(box):
    process, port = box.serve()
    with connect(port) as connection:
        connection.sendall(POST + b"\r\n")
        time.sleep(0.5)
        begun = time.monotonic()
        process.terminate()
        process.wait()
    took = time.monotonic() - begun
    box.expect(took <= 2, f"the stop took {took:.1f} s")


@case()
def idle_connections_stay_longer_than_a_balancer_keeps_them(box):
    """The usual 60 s of balancers and proxies; else a request meets the end now and then (RFC 9112, 9.3.1 and 9.5)."""
    settings = subprocess.run([box.everycore, "check"], capture_output=True, text=True).stdout
    found = re.search(r"idle:\s*(\d+)(ms|s|m|h)", settings)
    seconds = int(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2]] if found else 0
    box.expect(seconds > 60, f"timeouts.idle is {seconds:g} s by default")


@case(tools=["ss"])
def a_peer_that_vanished_is_noticed(box):
    """When nothing is sent, by TCP's keep-alive alone (tcp(7))."""
    _, port = box.serve()
    with connect(port) as connection:
        connection.sendall(b"GET /sleep?ms=1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        command = ["ss", "-tnoH", "state", "established", f"( sport = :{port} )"]
        shown = subprocess.run(command, capture_output=True, text=True).stdout
    box.expect("keepalive" in shown, "an accepted connection has no keep-alive timer")


@case()
def an_offer_to_upgrade_is_answered_as_http_1(box):
    """Java's HttpClient and curl --http2 offer h2c with a POST; twice on one connection."""
    _, port = box.serve()
    with connect(port) as connection:
        for content in (b"x" * 10, b"y" * 900_000):
            connection.sendall(b"POST /echo HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: a\r\n"
                               b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(content) + content)
            received = b""
            while not received.endswith(content) and (piece := connection.recv(65536)):
                received += piece
            box.expect(received.startswith(b"HTTP/1.1 200") and received.endswith(content), f"{len(content)} bytes: {received[:40]!r}")
