"""Terminals: a job in the background, and a terminal that is closed (termios(3))."""

import os
import pty
import signal
import threading
import time

from support import becomes_true, case, children, free_port, is_alive, send, stat, wait_for_answer

TICKS = os.sysconf("SC_CLK_TCK")


def on_terminal(*command):
    """The process that leads the terminal's session, and the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir("/tmp")
        os.execvp(command[0], command)
    return pid, terminal


def drain(terminal):
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass


def end(pid, *others):
    for one in (*others, pid):
        send(one, signal.SIGKILL)
    os.waitpid(pid, 0)


@case(tools=["bash"])
def output_to_a_terminal_with_tostop_neither_spins_nor_scales(box):
    """The terminal's driver sends TTOU for each write of a background job; blocked or ignored it lets the write pass."""
    port = free_port()
    shell, terminal = on_terminal("bash", "--norc", "-i")
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()

    def type_in(text, seconds):
        os.write(terminal, text.encode())
        time.sleep(seconds)

    type_in("stty tostop\n", 0.5)
    type_in(f"{box.everycore} serve --host 127.0.0.1 --port {port} --admin off --workers 4\n", 0)
    wait_for_answer(port)
    master = children(shell)[0]
    type_in("\x1a", 1)
    type_in("bg\n", 2)

    def cpu_seconds():
        fields = stat(master)
        return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0

    before = cpu_seconds()
    time.sleep(3)
    used, fields, workers = cpu_seconds() - before, stat(master), len(children(master))
    box.expect(fields, "the master has ended")
    box.expect(used <= 0.3, f"the master used {used:.1f} s of CPU in 3 s")
    box.expect(workers == 4, f"{workers} workers are left of 4")
    box.expect(not fields or fields[0] != "T", "the master is stopped")
    end(shell, master)


def lives_after_hangup(box, *before):
    port = free_port()
    pid, terminal = on_terminal(*before, box.everycore, "serve", "--host", "127.0.0.1", "--port", str(port), "--admin", "off", "--workers", "2")
    wait_for_answer(port)
    os.close(terminal)
    ended = becomes_true(lambda: not is_alive(pid), 4)
    end(pid)
    return not ended


@case()
def a_closed_terminal_stops_the_server(box):
    box.expect(not lives_after_hangup(box), "4 s after its terminal was closed the server still runs")


@case(tools=["nohup"])
def a_closed_terminal_does_not_stop_a_server_under_nohup(box):
    box.expect(lives_after_hangup(box, "sh", "-c", 'exec nohup "$0" "$@" >/dev/null 2>&1'), "it ended")
