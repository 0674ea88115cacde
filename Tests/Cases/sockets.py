"""Unix sockets in the file system: a name that other programs may take."""

import os
import signal
import socket
import time

from support import answers, becomes_true, case, children, send


def begin(box, path):
    return box.run(box.everycore, "serve", "--listen", path, "--admin", "off", "--quiet", "--workers", "1")


@case()
def a_stop_leaves_the_socket_of_another_server(box):
    path = f"{box.folder()}/s"
    first = begin(box, path)
    becomes_true(lambda: answers(path))
    os.remove(path)
    second = begin(box, path)
    becomes_true(lambda: answers(path))
    first.terminate()
    first.wait()
    box.expect(answers(path), "the first server's stop removed the second one's socket")
    second.terminate()
    second.wait()


@case()
def of_two_that_start_at_once_over_a_stale_socket_one_stays(box):
    path, both, none = f"{box.folder()}/s", 0, 0
    for _ in range(15):
        if os.path.exists(path):
            os.remove(path)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        two = [begin(box, path), begin(box, path)]
        # Until one has given up, or both have had the time.
        becomes_true(lambda: any(process.poll() is not None for process in two), 0.5)
        time.sleep(0.1)
        living = [process for process in two if process.poll() is None]
        both += len(living) > 1
        none += not living or not becomes_true(lambda: answers(path), 2)
        for process in living:
            process.kill()
            process.wait()
    box.expect(not both, f"both stayed {both} of 15 times")
    box.expect(not none, f"nothing answered {none} of 15 times")


@case()
def workers_that_die_leave_the_socket(box):
    path = f"{box.folder()}/s"
    process = begin(box, path)
    box.expect(becomes_true(lambda: answers(path)), "no answer after the start")
    for number in (signal.SIGKILL, signal.SIGSEGV) * 3:
        for pid in children(process.pid):
            send(pid, number)
        time.sleep(0.6)
        box.expect(os.path.exists(path), f"the socket is gone after {signal.Signals(number).name}")
    box.expect(becomes_true(lambda: answers(path)), "no answer after the deaths")
    process.terminate()
    process.wait()
    box.expect(not os.path.exists(path), "an orderly stop leaves it")
