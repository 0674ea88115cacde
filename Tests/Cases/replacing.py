"""Another program, or another configuration, in the place of the one that runs."""

import os
import shutil
import signal
import socket
import threading
import time

from support import answers, ask, at_once, becomes_true, case, free_port, is_alive, send, session, stat, wait_for_answer, write

# Milliseconds from USR2 to HUP: all of an upgrade.
DELAYS = [index * 2.5 for index in range(16)]


def masters(leader):
    """The processes of the session whose parent isn't one."""
    pids = session(leader)
    return [pid for pid in pids if (fields := stat(pid)) and int(fields[1]) not in pids]


def program_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


@case()
def an_upgrade_starts_what_the_name_leads_to_now(box):
    """A release directory behind a link is switched; later the old directory is removed."""
    folder = box.folder()
    for release in ("1", "2"):
        os.mkdir(f"{folder}/{release}")
        shutil.copy(box.everycore, f"{folder}/{release}/server")
    os.symlink("1", f"{folder}/current")
    port = free_port()
    process = box.run(f"{folder}/current/server", "serve", "--host", "127.0.0.1", "--port", str(port), "--admin", "off", "--quiet", "--workers", "1")
    wait_for_answer(port, process)
    os.symlink("2", f"{folder}/next")
    os.rename(f"{folder}/next", f"{folder}/current")
    process.send_signal(signal.SIGUSR2)
    switched = becomes_true(lambda: [program_of(pid) for pid in masters(process.pid)] == [f"{folder}/2/server"], 10)
    box.expect(switched, f"after the switch and USR2 these run: {[program_of(pid) for pid in masters(process.pid)]}")
    shutil.rmtree(f"{folder}/1")
    before = masters(process.pid)
    send(before[-1], signal.SIGUSR2)
    box.expect(becomes_true(lambda: masters(process.pid) and not set(masters(process.pid)) & set(before), 10),
               "with the old directory gone, USR2 starts nothing")
    box.expect(answers(port), "the server doesn't answer")


class Manager:
    """What a service manager hears."""

    def __init__(self, folder):
        self.path = f"{folder}/notify"
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            self.heard.extend(line for line in self.socket.recv(4096).decode().split("\n") if line.startswith(("MAINPID", "RELOADING", "READY")))


@case()
def the_last_main_pid_is_the_master_that_stays(box):
    """A reload that comes while an upgrade is under way. The manager takes the end of the last MAINPID for the service's (sd_notify(3))."""
    def one(delay):
        manager = Manager(box.folder())
        process, _ = box.serve(workers=2, environment={"NOTIFY_SOCKET": manager.path})
        manager.heard.clear()
        process.send_signal(signal.SIGUSR2)
        time.sleep(delay / 1000)
        if is_alive(process.pid):
            process.send_signal(signal.SIGHUP)
        time.sleep(1)
        heard = list(manager.heard)
        pids = [int(line.split("=")[1]) for line in heard if line.startswith("MAINPID")]
        if pids and not is_alive(pids[-1]):
            return "has gone", heard
        if "RELOADING=1" in heard and "READY=1" not in heard[heard.index("RELOADING=1"):]:
            return "reloads for ever", heard
        return None, heard
    found = [(problem, heard) for problem, heard in at_once(one, DELAYS) if problem]
    box.expect(not found, f"{len(found)} of {len(DELAYS)} times: {found[:3]}")


@case()
def a_reload_during_an_upgrade_is_carried_out(box):
    """When all is quiet the new configuration is in force, whichever master is there then."""
    def one(delay):
        folder = box.folder(c__yaml="routes:\n  builtin: true\n")
        process, port = box.serve("--config", f"{folder}/c.yaml", workers=2)
        process.send_signal(signal.SIGUSR2)
        time.sleep(delay / 1000)
        write(f"{folder}/next", "routes:\n  builtin: false\n")
        os.rename(f"{folder}/next", f"{folder}/c.yaml")
        if not is_alive(process.pid):
            return True
        process.send_signal(signal.SIGHUP)
        return becomes_true(lambda: ask(port, "/plaintext")[0] == 404, 3)
    done = at_once(one, DELAYS)
    box.expect(all(done), f"after {done.count(False)} of {len(done)} reloads during an upgrade the old configuration was in force")
