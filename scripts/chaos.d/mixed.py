"""Everything at once: kills, stops, reloads, upgrades, scaling, another share of the machine, and requests that do harm."""

import random
import signal
import time

import acts
from cgroup import Share
from poison import FAST, WAITING
from server import Server
from timeline import Timeline
from traffic import Rate, Traffic
from verdict import Verdict

HARM = [Rate("trap", "/trap", 1), Rate("await", "/trap-async", 0.5), Rate("loop", "/loop-async", 0.1)]
CONNECTIONS = sum(group.keep + group.short for group in (FAST, WAITING))
# Two seconds in which no worker's loop turns, and what it takes to start others on half a core.
LONGEST_GAP = 3.5


def mixed(run):
    """KILL, STOP, HUP, USR2, TTIN, TTOU and changes of the quota at random, beside requests that crash and requests that never return."""
    verdict = Verdict("mixed")
    with Share() as share, Server("auto", harm=[], before=share.before) as server:
        with Traffic(server.port, [FAST, WAITING, *HARM]) as traffic:
            time.sleep(0.2)
            bound = happen(server, verdict, share, time.monotonic() + run.seconds(5, 60))
            time.sleep(0.2)
            counts = traffic.end()
        # A handler that never returns holds its worker, and so the old master, for as long as it may.
        server.wait_for_quiet(45)
        stats = server.stats()
        verdict.problems += server.stop(patience=60)
    verdict.judge_totals(counts, stats)
    verdict.judge_log(server.log(), ("critical",), force=())
    ended = sum(len(counts.by_name[rate.name].losses) for rate in HARM) + counts.by_name["loop"].outstanding
    lost, bound = counts.sum("lost"), bound + ended * CONNECTIONS
    verdict.expect(lost <= bound, f"{lost} requests were lost, where at most {bound} were in flight at kills")
    gap = Timeline(counts).worst_gap(counts.started)
    verdict.expect(gap <= LONGEST_GAP, f"a gap of {gap:.1f} s")
    verdict.notes.append(f"{ended} harmful requests, {lost} of at most {bound} in flight lost")
    return verdict


def happen(server, verdict, share, until):
    """What happens; how many requests the kills can have cost."""
    bound, counts = 0, {"reloads": 0, "upgrades": 0}
    # Orders aren't waited for: they come while others are under way.

    def kill():
        nonlocal bound
        bound += acts.kill_worker(server, verdict)

    def reload():
        counts["reloads"] += 1
        server.signal(signal.SIGHUP)

    def upgrade():
        counts["upgrades"] += 1
        server.signal(signal.SIGUSR2)

    choices = [kill, kill, kill, reload, upgrade, lambda: acts.pause_worker(server, 0.1), lambda: server.signal(signal.SIGTTIN),
               lambda: server.signal(signal.SIGTTOU), lambda: share.set(server, random.choice(share.levels))]
    while time.monotonic() < until:
        server.follow()
        random.choice(choices)()
        time.sleep(random.choice((0.01, 0.05, 0.2)))
    verdict.notes.append(f"{len(verdict.kills)} kills, {counts['reloads']} reloads, {counts['upgrades']} upgrades")
    return bound
