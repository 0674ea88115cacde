"""The storms under load. Each is a function of the run (how long, how strict) that gives a verdict."""

import random
import signal
import time

import acts
from family import send
from server import Server
from traffic import SLOW_MS, Group, Traffic
from verdict import Verdict


def under_load(run, name, act, seconds, settings="", workers=2, pause=1, **options):
    """
    A server with its clients; `act(server, verdict, until)` happens to it, and says how many requests that may have cost.
    """
    verdict = Verdict(name)
    with Server(workers, settings, **options) as server:
        with Traffic(server.port, [Group(pause_ms=pause)]) as traffic:
            time.sleep(0.2)
            bound = act(server, verdict, time.monotonic() + seconds)
            time.sleep(0.2)
            counts = traffic.end()
        stats = server.stats()
        verdict.problems += server.stop()
        verdict.judge(counts, stats, server.log(), run, bound or 0)
    return verdict


def kills(run):
    """KILL to a random worker every tenth of a second; each is replaced at once."""
    def act(server, verdict, until):
        bound = 0
        while time.monotonic() < until:
            bound += acts.kill_worker(server, verdict)
            time.sleep(0.1)
        verdict.notes.append(f"{len(verdict.kills)} kills")
        return bound
    return under_load(run, "kills", act, run.seconds(4, 60))


def massacres(run):
    """KILL to all workers at once, again and again as soon as they are back."""
    def act(server, verdict, until):
        bound = longest = 0
        while time.monotonic() < until:
            pids, begun = server.worker_pids(), time.monotonic()
            bound += acts.kill_all(server, verdict, pids)
            server.wait_for_others(pids, 2)
            longest = max(longest, time.monotonic() - begun)
            time.sleep(0.2)
        verdict.notes.append(f"{len(verdict.kills)} kills, all back within {longest * 1000:.0f} ms")
        return bound
    return under_load(run.with_limit(100), "massacres", act, run.seconds(2, 30))


def stops(run):
    """STOP to a random worker for 0.3 s, again and again: its sibling serves new connections meanwhile."""
    # 20 ms until a queue's standstill is noticed, and twice that until it is believed.
    limit_ms, held = (1000 if run.is_short else 150), []

    def act(server, verdict, until):
        while time.monotonic() < until:
            pid = random.choice(server.worker_pids())
            begun = time.monotonic()
            send(pid, signal.SIGSTOP)
            try:
                time.sleep(0.3)
            finally:
                send(pid, signal.SIGCONT)
            held.append((begun, time.monotonic()))
            time.sleep(0.1)
        verdict.notes.append(f"{len(held)} stops")

    # What the stopped worker has accepted waits for it: that is no failure.
    verdict = under_load(run.with_limit(1000), "stops", act, run.seconds(3, 40))
    slow = [note["waited_us"] / 1000 for note in verdict.counts.first.slow if note["kind"] == "short"
            and any(begun + 0.01 < note["at"] - note["waited_us"] / 1e6 < end for begun, end in held)]
    late = [waited for waited in slow if waited > limit_ms]
    verdict.expect(not late, f"{len(late)} connections made while a worker was stopped waited longer than {limit_ms} ms, up to {max(late, default=0):.0f}")
    verdict.notes.append(f"new connections waited at most {max(slow, default=SLOW_MS):.0f} ms")
    return verdict


def repeated(run, name, once, few, many):
    """Does it again and again, each time when the last one is over."""
    def act(server, verdict, until):
        count = 0
        while run.goes_on(count, few, many, until):
            count += 1
            once(server, count)
        verdict.notes.append(f"{count} {name}")
    return under_load(run, name, act, run.seconds(0, 0))


def reloads(run):
    """HUP, again and again."""
    return repeated(run, "reloads", acts.reload, 5, 100)


def scaling(run):
    """TTIN and TTOU at random, from 1 worker to four times the cores."""
    def act(server, verdict, until):
        count = 0
        while time.monotonic() < until:
            # Several in one direction, so that the ends are reached.
            number = random.choice((signal.SIGTTIN, signal.SIGTTOU))
            for _ in range(random.randrange(1, 8)):
                count += 1
                server.signal(number)
                time.sleep(random.choice((0.005, 0.02, 0.1)))
        changes = server.events("scaling")
        verdict.notes.append(f"{count} signals, {min((int(line['workers']) for line in changes), default=2)} to "
                             f"{max((int(line['workers']) for line in changes), default=2)} workers")
    return under_load(run, "scaling", act, run.seconds(3, 40))


def upgrades(run):
    """USR2, again and again: another master takes over."""
    return repeated(run, "upgrades", acts.upgrade, 2, 20)


def recycling(run):
    """Workers that have served some thousand requests are replaced, one at a time."""
    def act(server, verdict, until):
        seen, most = set(), 0
        while time.monotonic() < until:
            pids = server.worker_pids()
            seen.update(pids)
            most = max(most, len(pids))
            time.sleep(0.02)
        verdict.expect(len(seen) > 3, f"only {len(seen) - 2} workers were replaced")
        verdict.expect(most <= 4, f"{most} workers at once, where one is replaced at a time")
        verdict.notes.append(f"{len(seen) - 2} workers replaced")
    return under_load(run, "recycling", act, run.seconds(3, 30), "recycle:\n  requests: 2000\n")
