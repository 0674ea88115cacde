"""The routes that the server has by itself, beside a site of the user's."""

import threading
import time

from support import ask, case


@case()
def built_in_routes_do_not_hide_files(box):
    names = ("work", "echo", "json", "sleep", "plaintext", "whoami")
    _, port = box.serve("--root", box.folder(**{f"{name}/index__html": "mine" for name in names}))
    for name in names:
        status, _, content = ask(port, f"/{name}")
        box.expect(status == 301 or content == b"mine", f"/{name} of the site: {status} {content[:40]!r}")


@case()
def no_built_in_route_holds_the_only_worker(box):
    for options in ((), ("--root", box.folder(a="x"))):
        _, port = box.serve(*options)
        threads = [threading.Thread(target=ask, args=(port, "/work?ms=3000")) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        begun = time.monotonic()
        ask(port, "/health")
        took = time.monotonic() - begun
        box.expect(took <= 1, f"{' '.join(options[:1]) or 'without files'}: /health took {took:.1f} s while 8 clients asked for /work")
        for thread in threads:
            thread.join()
