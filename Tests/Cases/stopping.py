"""Orders to stop: what is in flight is answered, however often the order arrives and to how many processes it goes."""

import os
import signal
import threading
import time

from support import ask, at_once, case, connect, free_port, wait_for_answer

TRIES = range(8)


def status_of_slow(port, milliseconds=700):
    """Asks for what takes a while, in a thread; the list gets the status."""
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(ask(port, f"/sleep?ms={milliseconds}")[0]))
    thread.start()
    time.sleep(0.25)
    return thread, statuses


def stopped_twice(box, signals):
    process, port = box.serve()
    thread, statuses = status_of_slow(port)
    for number in signals:
        process.send_signal(number)
    thread.join()
    process.wait()
    return statuses[0]


def expect_answers(box, statuses, how):
    cut_off = sum(status != 200 for status in statuses)
    box.expect(not cut_off, f"{how}: {cut_off} of {len(statuses)} requests were cut off")


@case()
def an_order_to_stop_that_arrives_twice_is_one_order(box):
    """Within microseconds, as npm, terminals and inits of containers cause it."""
    for signals in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM), (signal.SIGINT, signal.SIGINT)):
        statuses = at_once(lambda _: stopped_twice(box, signals), TRIES)
        expect_answers(box, statuses, " ".join(number.name for number in signals))


@case(tools=["timeout"])
def the_order_of_timeout_is_one_order(box):
    """timeout(1) signals its child, and then the group that it made, which the child is in."""
    def one(_):
        port = free_port()
        process = box.run("timeout", "1.5", box.everycore, "serve", "--host", "127.0.0.1", "--port", str(port), "--admin", "off", "--quiet",
                          "--workers", "1")
        wait_for_answer(port)
        time.sleep(0.7)
        status = ask(port, "/sleep?ms=1000")[0]
        process.wait()
        return status
    expect_answers(box, at_once(one, TRIES), "timeout(1)")


@case()
def an_order_to_every_process_of_the_server_is_one_order(box):
    """systemd's KillMode=control-group, a terminal, pkill."""
    def one(number):
        process, port = box.serve(workers=2)
        thread, statuses = status_of_slow(port)
        os.killpg(process.pid, number)
        thread.join()
        process.wait()
        return statuses[0]
    for number in (signal.SIGTERM, signal.SIGINT):
        expect_answers(box, at_once(one, [number] * 4), number.name)


@case()
def connections_without_a_request_hold_no_stop_up(box):
    """Browsers open some ahead of need."""
    process, port = box.serve(workers=2)
    held = [connect(port) for _ in range(6)]
    time.sleep(0.3)
    begun = time.monotonic()
    process.terminate()
    process.wait()
    took = time.monotonic() - begun
    box.expect(took <= 2, f"the stop took {took:.1f} s for {len(held)} connections on which nothing was sent")
