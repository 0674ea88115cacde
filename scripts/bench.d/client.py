"""The clients: one verified request before anything is measured, and wrk."""

import functools
import os
import socket
import subprocess

from processes import Failure, Process

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 64
BODIES = {"/plaintext": b"Hello, World!", "/json": b'{"message":"Hello, World!"}', "/constant": b"Hello, World!",
          "/constant-async": b"Hello, World!", "/constant-later": b"Hello, World!"}

# What each load asks for: path, requests in one write, header fields.
LOADS = {
    "plain": ("/plaintext", 1, []),
    "pipelined": ("/plaintext", 16, []),
    "json": ("/json", 1, []),
    "close": ("/plaintext", 1, ["Connection: close"]),
}
# Static files, in bytes; and handlers of tests' server, which only Everycore has.
FILES = {"1k": 1000, "100k": 100_000, "10m": 10_000_000}
HANDLERS = {"sync": ("/constant", 1, []), "async": ("/constant-async", 1, []), "async_wait": ("/constant-later", 1, [])}
ALL = {**LOADS, **HANDLERS, **{name: (f"/{name}.bin", 1, []) for name in FILES}}
TITLES = {
    "plain": "/plaintext, keep-alive, 64 connections",
    "pipelined": "/plaintext, 16 pipelined, 64 connections",
    "json": "/json, keep-alive, 64 connections",
    "close": "/plaintext, a connection for each request, 64 at a time",
}


@functools.cache
def content(load):
    """What a file holds: bytes that tell their place."""
    return b"".join(b"%07d\n" % place for place in range(0, FILES[load], 8))[:FILES[load]]


def verified_answer(port, load):
    """The bytes of one response to the request that wrk is about to send; refuses a wrong status or body."""
    path, _, fields = ALL[load]
    wanted = content(load) if load in FILES else BODIES[path]
    head = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *fields, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join(head).encode())
        answer = bytearray()
        while not _complete(answer):
            portion = connection.recv(65536)
            if not portion:
                raise ConnectionResetError("closed before the answer was complete")
            answer += portion
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ")[1:2] != [b"200"] or body != wanted:
        raise Failure(f"wrong answer on {path}: {answer[:200]!r}")
    if (load == "close") != (b"\r\nconnection: close" in head.lower()):
        raise Failure(f"wrong Connection field for the load {load}: {head!r}")
    return bytes(answer)


def _complete(answer):
    head, blank, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if blank and line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


def run_wrk(port, load, seconds, threads, cores):
    """One run: requests, requests per second, p50 and p99 in microseconds, errors by kind."""
    path, depth, fields = ALL[load]
    command = ["wrk", f"-t{threads}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
               "-s", os.path.join(HERE, "clients", "wrk.lua")]
    for field in fields:
        command += ["-H", field]
    environment = {"DEPTH": str(depth), "CONNECTIONS": str(CONNECTIONS)}
    with Process(command + [f"http://127.0.0.1:{port}{path}"], cores, environment, stdout=subprocess.PIPE) as wrk:
        output, _ = wrk.child.communicate(timeout=seconds + 30)
    lines = [line.split()[1:] for line in output.splitlines() if line.startswith("figures ")]
    if not lines:
        raise Failure(f"wrk said: {output.strip()[-300:]}")
    requests, microseconds, connect, read, write, status, timeout, p50, p99 = map(int, lines[0])
    return {
        "requests": requests, "per_second": requests / (microseconds / 1e6), "p50_us": p50, "p99_us": p99,
        "errors": {kind: count for kind, count in {"connect": connect, "read": read, "write": write,
                   "status": status, "timeout": timeout}.items() if count},
    }
