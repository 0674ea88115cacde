"""The storms in which the server has a share of the machine that changes."""

import random
import signal
import time

import acts
from cgroup import Share
from storms import under_load

# What a reload or an upgrade says whose new worker was killed.
FAILED_FOR_A_KILL = (
    "reload failed, going back to what was before", "the old workers could not be brought back", "the upgrade failed: this master stays",
    "a worker failed before this upgrade was ready: leaving the old master in charge",
)


def quota(run):
    """The cgroup's CPU quota (or the affinity mask) changes between half a core and two: the workers follow."""
    def act(server, verdict, until):
        changes, slowest = 0, 0
        while changes < (2 if run.is_short else 3) or time.monotonic() < until:
            wanted = share.set(server, share.levels[changes % len(share.levels)])
            begun = time.monotonic()
            server.wait_for_workers(wanted, patience=10)
            slowest = max(slowest, time.monotonic() - begun)
            changes += 1
            # For a moment as it is.
            time.sleep(0.2)
        verdict.notes.append(f"{changes} changes of the {share.name}, followed within {slowest:.1f} s")

    with Share() as share:
        # As much as the clients can, so that the quota bites: then half a core for all is slow.
        return under_load(run.with_limit(2000), "quota", act, run.seconds(0, 30), workers="auto", pause=0,
                          before=share.before)


def mixed(run):
    """KILL, STOP, HUP, USR2, TTIN, TTOU and changes of the quota at random."""
    def act(server, verdict, until):
        bound, counts = 0, {"reloads": 0, "upgrades": 0}

        def kill():
            nonlocal bound
            bound += acts.kill_worker(server, verdict)

        def reload():
            counts["reloads"] += 1
            server.signal(signal.SIGHUP)

        def upgrade():
            # Refused while a reload is under way.
            counts["upgrades"] += acts.try_upgrade(server)

        choices = [kill, kill, kill, reload, upgrade, lambda: acts.pause_worker(server, 0.1), lambda: server.signal(signal.SIGTTIN),
                   lambda: server.signal(signal.SIGTTOU), lambda: share.set(server, random.choice(share.levels))]
        while time.monotonic() < until:
            random.choice(choices)()
            time.sleep(random.choice((0.01, 0.05, 0.2)))
        verdict.notes.append(f"{len(verdict.kills)} kills, {counts['reloads']} reloads, {counts['upgrades']} upgrades")
        return bound

    with Share() as share:
        return under_load(run.with_limit(2000), "mixed", act, run.seconds(5, 60), workers="auto", allowed=FAILED_FOR_A_KILL,
                          before=share.before)
