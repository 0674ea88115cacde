"""Messages between a worker and its master: how many a second, and how long one takes to and fro. Beside them Node's
process.send, and a C program that does nothing but send and receive one packet on a socket pair."""

import os
import shutil
import subprocess

import build
from processes import Failure, Process
from results import median, progress

COUNTS = {"everycore bytes": 4_000_000, "everycore codable": 1_000_000, "node": 200_000}
TRIPS = 50_000
NODE = ["node", os.path.join(build.HERE, "peers", "node-messages.js")]


def output(command):
    with Process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            text, _ = process.child.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            raise Failure(f"{' '.join(command)} took more than two minutes")
    if process.child.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with status {process.child.returncode}")
    return text


def facts(command):
    return dict(line.split("=", 1) for line in output(command).splitlines() if "=" in line)


def rate(name):
    count = COUNTS[name]
    if name == "node":
        return int(output([*NODE, "rate", str(count)]))
    found = facts([build.messages(), "rate", name.split()[1], str(count)])
    if found.get("exact") != "true":
        raise Failure(f"{name}: not every message arrived once and in order")
    return int(found["rate"])


def trip(name):
    if name == "node":
        text = output([*NODE, "trip", str(TRIPS)])
    elif name.startswith("socket pair"):
        text = output([build.program("pingpong"), str(TRIPS), "16", *(["epoll"] if "epoll" in name else [])])
    else:
        text = facts([build.messages(), "trip", name.split()[1], str(TRIPS)])["trip"]
    return int(text.split()[0]) / 1000


def run(rounds, results):
    build.messages()
    if not shutil.which("node"):
        results.say("messages: left out, there is no `node` on the PATH")
        return True
    rates = list(COUNTS)
    trips = ["socket pair in C", "socket pair in C, epoll", "everycore bytes", "everycore request", "node"]
    rows = []
    for number in range(1, rounds + 1):
        rows += [{"round": number, "what": "rate", "who": name, "value": rate(name)} for name in rates]
        rows += [{"round": number, "what": "trip", "who": name, "value": trip(name)} for name in trips]
        progress(f"round {number}/{rounds}")
    results.write("messages", rows)

    def middle(what, who):
        return median([row for row in rows if row["what"] == what and row["who"] == who], "value")

    node = middle("rate", "node")
    results.table("messages from one worker to a handler in the master", ["sender", "a second", "times Node's"],
                  [[name, f"{middle('rate', name):,.0f}", f"{middle('rate', name) / node:.1f}"] for name in rates])
    bare = middle("trip", trips[0])
    results.table("one small message to and fro, median", ["pair", "µs", "times the bare pair's"],
                  [[name, f"{middle('trip', name):.1f}", f"{middle('trip', name) / bare:.2f}"] for name in trips])
    return True
