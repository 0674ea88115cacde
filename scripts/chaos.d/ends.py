"""The storms about masters: one that is killed, those that have many workers, one that loses thousands."""

import random
import signal
import socket
import time

import acts
from family import send
from processes import TICKS, memory, stat_fields
from server import Server
from storms import under_load
from traffic import Group, Traffic
from verdict import Verdict

MANY = 64
REST_SECONDS = 10
GROWTH_LIMIT = 1 << 20


def master(run):
    """KILL to the master: its workers go with it, and another server starts on the port at once."""
    verdict = Verdict("master")
    with Server() as first:
        with Traffic(first.port, [Group()]) as traffic:
            time.sleep(0.5)
            begun = time.monotonic()
            first.signal(signal.SIGKILL)
            while (left := [pid for pid in first.family() if pid != first.pid]) and time.monotonic() < begun + 5:
                time.sleep(0.005)
            took = time.monotonic() - begun
            verdict.expect(not left and took < 1, f"{len(left)} processes are there {took:.2f} s after the master's end")
            with socket.socket() as probe:
                # As every server does; without it the kernel remembers closed connections for a minute.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", first.port))
                except OSError as error:
                    verdict.problems.append(f"the port can't be bound: {error}")
            traffic.end()
        first.wait_for_end(1)
    second = under_load(run, "master", lambda *_: None, run.seconds(0.3, 3), port=first.port)
    second.problems = verdict.problems + second.problems
    second.notes.append(f"all gone after {took * 1000:.0f} ms, the next one served {second.counts.first.answered} requests on its port")
    return second


def cpu_seconds(pid):
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0


def many(run):
    """64 workers start, serve, report each second and stop; the master uses at most 1 % of a core."""
    def share(server, seconds):
        before, begun = cpu_seconds(server.pid), time.monotonic()
        time.sleep(seconds)
        return (cpu_seconds(server.pid) - before) / (time.monotonic() - begun)

    verdict, seconds = Verdict("many"), run.seconds(2, REST_SECONDS)
    with Server(MANY, options=["--report-interval", "1s"]) as server:
        time.sleep(1)
        at_rest = share(server, seconds)
        with Traffic(server.port, [Group(keep=128)]) as traffic:
            time.sleep(0.5)
            loaded = share(server, seconds)
            counts = traffic.end()
        stats = server.stats()
        served = sum(worker["requests"] > 0 for worker in stats["workers"])
        begun = time.monotonic()
        verdict.problems += server.stop()
        took = time.monotonic() - begun
        verdict.judge(counts, stats, server.log(), run.with_limit(250))
    verdict.expect(served == MANY, f"only {served} of {MANY} workers served")
    verdict.expect(at_rest <= 0.01, f"the master used {at_rest:.1%} of a core at rest")
    verdict.expect(loaded <= 0.01, f"the master used {loaded:.1%} of a core under load")
    verdict.notes.append(f"{MANY} workers started in {server.start_seconds:.1f} s, stopped in {took:.1f} s; master {at_rest:.2%} of a core at "
                         f"rest, {loaded:.2%} under load")
    return verdict


def deaths(run):
    """Workers die as fast as they are replaced, ten thousand or for four minutes: the master doesn't grow."""
    verdict, wanted, patience = Verdict("deaths"), 10_000, run.seconds(10, 240)
    with Server(16) as server:
        count = kill_all_of(server, 1000, time.monotonic() + patience / 3)
        before = settled_memory(server)
        first, begun = count, time.monotonic()
        count += kill_all_of(server, wanted - count, time.monotonic() + patience * 2 / 3)
        rate = (count - first) / (time.monotonic() - begun)
        after = settled_memory(server)
        verdict.problems += server.stop()
    growth = {name: after[name] - before[name] for name in ("Rss", "Pss")}
    verdict.expect(max(growth.values()) < GROWTH_LIMIT, f"the master grew by {growth} bytes")
    verdict.notes.append(f"{count} deaths, {rate:.0f} a second; the master's Rss {before['Rss'] >> 10} kB after {first}, {after['Rss'] >> 10} kB "
                         f"after all; Pss {before['Pss'] >> 10} and {after['Pss'] >> 10} kB")
    return verdict


def half(run):
    """Of 1,024 workers 512 are killed at once: no gap over a tenth of a second, neither then nor while they are replaced."""
    verdict, count, killed = Verdict("half"), 1024, []
    with Server(count, patience=120) as server:
        with Traffic(server.port, [Group(pause_ms=5)]) as traffic:
            time.sleep(1)
            pids = server.worker_pids()
            random.shuffle(pids)
            bound, begun = acts.kill_all(server, verdict, pids[:count // 2]), time.monotonic()
            server.wait_for_others(pids[:count // 2], count, patience=120, pause=0.5)
            took = time.monotonic() - begun
            counts = traffic.end()
        stats = server.stats()
        verdict.problems += server.stop(patience=60)
    gap_ms = max(counts.worst_gap_us - counts.worst_stall_us, 0) / 1000
    verdict.judge(counts, stats, server.log(), run.with_limit(100), bound)
    verdict.expect(gap_ms <= 100, f"a gap of {gap_ms:.0f} ms beyond the clients' own")
    verdict.notes.append(f"all {count} back after {took:.1f} s")
    return verdict


def kill_all_of(server, wanted, deadline):
    """Kills workers that have been there for a moment, until so many have died."""
    count, seen = 0, set()
    while count < wanted and time.monotonic() < deadline:
        pids = server.worker_pids()
        for pid in pids:
            if pid in seen and count < wanted and send(pid, signal.SIGKILL):
                count += 1
        seen = set(pids) - seen
        time.sleep(0.01)
    return count


def settled_memory(server):
    """With all workers there: pages that a fork shares count by halves."""
    server.wait_for_workers(16, patience=60)
    time.sleep(1)
    return memory(server.pid)
