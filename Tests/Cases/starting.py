"""The first milliseconds, and unusual places to start in."""

import os
import random
import signal
import subprocess
import time

from support import answers, at_once, becomes_true, case, children, free_port, send, stat, wait_for_answer

SEED = 20


@case(tools=["strace"])
def a_signal_during_the_start_does_not_kill_the_server(box):
    """Other than those that order a stop, from the call that opens the dynamic loader on."""
    def ends(number_and_call):
        number, call = number_and_call
        port = free_port()
        tracer = box.run("strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=400000:when=1", box.everycore,
                         "serve", "--host", "127.0.0.1", "--port", str(port), "--admin", "off", "--quiet", "--workers", "1")
        # Held at the call: only there for longer than a moment.
        if not becomes_true(lambda: all(is_held(tracer) for _ in range(5)), 10):
            return f"{call} was not called"
        send(children(tracer.pid)[0], number)
        lives = becomes_true(lambda: tracer.poll() is not None or answers(port), 10) and tracer.poll() is None
        return None if lives else f"{number.name} at {call} ended it"

    def is_held(tracer):
        time.sleep(0.01)
        return [fields[0] for pid in children(tracer.pid) if (fields := stat(pid))] == ["t"]

    calls = ("openat", "set_tid_address", "getpid", "sched_getaffinity", "bind", "listen", "clone")
    found = at_once(ends, [(number, call) for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2) for call in calls])
    box.problems += [problem for problem in found if problem]


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
