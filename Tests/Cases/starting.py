"""The first milliseconds, and unusual places to start in."""

import os
import random
import signal
import subprocess
import time

from support import answers, at_once, becomes_true, case, children, free_port, send, session, wait_for_answer

SEED = 20


@case()
def a_signal_during_the_start_does_not_kill_the_server(box):
    """Other than those that order a stop."""
    chance = random.Random(SEED)

    def died(number, delay):
        process = box.run(box.everycore, "serve", "--host", "127.0.0.1", "--port", str(free_port()), "--admin", "off", "--quiet", "--workers", "1")
        # Beyond exec, where the program is the one that is meant.
        while os.readlink(f"/proc/{process.pid}/exe") != os.path.realpath(box.everycore):
            pass
        time.sleep(delay)
        process.send_signal(number)
        time.sleep(0.3)
        has_died = process.poll() is not None and process.returncode < 0
        for pid in session(process.pid):
            send(pid, signal.SIGKILL)
        return has_died

    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGPIPE):
        ends = at_once(lambda delay: died(number, delay), [chance.random() * 0.02 for _ in range(16)])
        box.expect(not any(ends), f"{sum(ends)} of {len(ends)} starts died of {number.name}")


def as_process_1(box, workers):
    port = free_port()
    outer = box.run("unshare", "-pf", "--mount-proc", box.everycore, "serve", "--host", "127.0.0.1", "--port", str(port), "--admin", "off", "--quiet",
                    "--workers", str(workers))
    return outer, port


def inner_of(box, outer):
    """The server: process 1 of its namespace."""
    while True:
        for pid in children(outer.pid):
            try:
                if os.path.samefile(f"/proc/{pid}/exe", box.everycore):
                    return pid
            except OSError:
                pass


@case(tools=["unshare"], takes_root=True)
def an_early_order_to_stop_reaches_process_1(box):
    """As process 1 a signal without a handler is lost, and `docker stop` waits for its KILL."""
    chance = random.Random(SEED)

    def lost(delay):
        outer, _ = as_process_1(box, 1)
        pid = inner_of(box, outer)
        time.sleep(delay)
        send(pid, signal.SIGTERM)
        try:
            outer.wait(2)
            return False
        except subprocess.TimeoutExpired:
            send(pid, signal.SIGKILL)
            outer.wait()
            return True

    ends = at_once(lost, [chance.random() * 0.015 for _ in range(15)], most=2)
    box.expect(not any(ends), f"{sum(ends)} of {len(ends)} early TERMs were lost")


@case(tools=["unshare"], takes_root=True)
def as_process_1_workers_stay_and_end_with_the_master(box):
    outer, port = as_process_1(box, 2)
    wait_for_answer(port)
    pid = inner_of(box, outer)
    box.expect(becomes_true(lambda: len(children(pid)) == 2), f"{len(children(pid))} workers")
    time.sleep(0.5)
    box.expect(len(children(pid)) == 2, f"{len(children(pid))} workers after a moment")
    send(pid, signal.SIGKILL)
    box.expect(becomes_true(lambda: not answers(port), 2), "the port still answers")


@case(tools=["unshare"])
def without_proc_the_start_is_refused_with_a_reason(box):
    """A bare chroot."""
    command = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs x /proc; exec "$0" serve --port "$1" --admin off --quiet --workers 1', box.everycore,
               str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    box.expect(done.returncode == 70 and "/proc" in done.stderr, f"exit {done.returncode}: {done.stderr[-200:]}")
