"""Static files as clients ask for them and as file systems hand them out."""

import gzip
import os
import re
import subprocess
import time

from support import ask, case, free_port, wait_for_answer

CONTENT = "0123456789"


@case(tools=["strace"])
def a_file_is_sent_where_sendfile_is_refused(box):
    """Some file systems and filters refuse it (sendfile(2), NOTES), at once or in the middle."""
    data = os.urandom(300_000)
    folder = box.folder(big=data)
    for error in ("EINVAL", "ENOSYS", "EOPNOTSUPP", "EINVAL:when=2+"):
        port = free_port()
        process = box.run("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendfile", "-e", f"inject=sendfile:error={error}",
                          box.everycore, "serve", "--host", "127.0.0.1", "--port", str(port), "--admin", "off", "--quiet", "--workers", "1",
                          "--root", folder)
        wait_for_answer(port, process, 30)
        status, _, received = ask(port, "/big", patience=5)
        box.expect(received == data, f"{error}: {status}, {len(received)} bytes of {len(data)}")


@case()
def svgz_has_the_coding_gzip(box):
    """It is SVG's media type (SVG 2, "Conforming servers")."""
    folder = box.folder(a__svgz=gzip.compress(b'<svg xmlns="http://www.w3.org/2000/svg"/>'))
    _, port = box.serve("--root", folder)
    _, fields, _ = ask(port, "/a.svgz", "Accept-Encoding: gzip")
    box.expect(fields.get("content-encoding") == "gzip", f"{fields.get('content-type')}, Content-Encoding: {fields.get('content-encoding')}")


@case()
def types_are_those_that_clients_need(box):
    """Also of a name without an ending, and of XML that declares its own charset (RFC 7303, 3)."""
    folder = box.folder(l__xml=b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', s__html=b"<meta charset=shift_jis>\x83\x65\x83\x58\x83\x67")
    os.mkdir(f"{folder}/.well-known")
    with open(f"{folder}/.well-known/apple-app-site-association", "w") as file:
        file.write("{}")
    _, port = box.serve("--root", folder)
    kind = ask(port, "/.well-known/apple-app-site-association")[1].get("content-type", "")
    box.expect(kind.startswith("application/json"), f"apple-app-site-association is {kind}")
    kind = ask(port, "/l.xml")[1].get("content-type", "")
    box.expect("utf-8" not in kind.lower(), f"XML that says ISO-8859-1 is {kind}")
    settings = subprocess.run([box.everycore, "check"], capture_output=True, text=True).stdout
    files = settings[settings.find("files:"):settings.find("compression:")]
    box.expect(re.search(r"^\s+\w*(type|charset)\w*:", files, re.MULTILINE),
               f"no setting for types (a page in Shift-JIS is {ask(port, '/s.html')[1].get('content-type')})")


@case()
def a_range_of_an_empty_file_is_the_file(box):
    """Clients that send Range with every request fail on 416 where nothing is wrong; RFC 9110, 14.2 lets a server ignore it."""
    _, port = box.serve("--root", box.folder(empty=""))
    for asked in ("0-", "0-499", "-5"):
        status = ask(port, "/empty", f"Range: bytes={asked}")[0]
        box.expect(status == 200, f"bytes={asked}: {status}")


@case()
def files_of_1970_and_of_tomorrow_have_steady_validators(box):
    """Reproducible builds, and a clock that is ahead. RFC 9110, 8.8, and RFC 9111, 4.2.2."""
    folder = box.folder(old=CONTENT, new=CONTENT)
    os.utime(f"{folder}/old", (1, 1))
    os.utime(f"{folder}/new", (time.time() + 86400,) * 2)
    time.sleep(1.3)
    _, port = box.serve("--root", folder)
    fields = ask(port, "/old")[1]
    box.expect("1970" not in fields.get("last-modified", "") or "cache-control" in fields,
               f"Last-Modified: {fields.get('last-modified')} without Cache-Control: browsers keep that for years")
    first = ask(port, "/new")[1]
    time.sleep(2.2)
    second = ask(port, "/new")[1]
    tag = second.get("etag", "")
    box.expect(first.get("last-modified") == second.get("last-modified"), "the future: another Last-Modified each second")
    box.expect(not tag.startswith("W/"), "a weak tag although nothing changed for seconds")
    status = ask(port, "/new", "Range: bytes=5-", f"If-Range: {tag}")[0]
    box.expect(status == 206, f"a broken download can't go on: {status}")


@case()
def the_length_behind_a_link_is_the_file_s(box):
    sizes = {"a": 20, "b": 100_000}
    folder = box.folder(**{name: b"x" * size for name, size in sizes.items()})
    for name in sizes:
        os.symlink(name, f"{folder}/{name}-link")
    _, port = box.serve("--root", folder)
    for name, size in sizes.items():
        status, fields, content = ask(port, f"/{name}-link")
        box.expect((status, fields.get("content-length"), len(content)) == (200, str(size), size),
                   f"{name}: {status}, {fields.get('content-length')}, {len(content)} bytes")


@case()
def conditions_and_ranges_are_read_as_clients_send_them(box):
    folder = box.folder(a=CONTENT)
    os.utime(f"{folder}/a", (1.5e9, 1.5e9))
    _, port = box.serve("--root", folder)
    tag, many = ask(port, "/a")[1]["etag"], "9" * 23
    for wanted, fields in (
        (304, ['If-None-Match: "x"', f"If-None-Match: {tag}"]), (304, [f'If-None-Match: "x", {tag}']), (304, [f"If-None-Match: W/{tag}"]),
        (304, ["If-None-Match: *"]), (200, [f'If-None-Match: {tag[:-1]}-gzip"']), (200, ['If-None-Match: "x']), (200, ["If-Match: *"]),
        (412, ['If-Match: "x"']), (200, ["Range: bytes=abc"]), (200, ["Range: bytes=5-2"]), (200, ["Range: bytes=-"]),
        (200, ["Range: lines=1-2"]), (416, [f"Range: bytes={many}-"]), (206, [f"Range: bytes=-{many}"]), (206, [f"Range: bytes=0-{many}"]),
        (206, ["Range: bytes=0-0,"]),
    ):
        status = ask(port, "/a", *fields)[0]
        box.expect(status == wanted, f"{fields}: {status}, not {wanted}")


@case()
def a_compressed_sibling_without_its_file_is_no_file(box):
    _, port = box.serve("--root", box.folder(**{"a__js__br": b"\x0b\x01\x80x\n\x03"}))
    for wanted, path, fields in ((404, "/a.js", []), (404, "/a.js", ["Accept-Encoding: br"]), (200, "/a.js.br", [])):
        status = ask(port, path, *fields)[0]
        box.expect(status == wanted, f"{path} {fields}: {status}, not {wanted}")


@case()
def paths_are_decoded_once(box):
    folder = box.folder(**{"a b/c d__txt": "x", "p%20q__txt": "x", "r": "x"})
    _, port = box.serve("--root", folder)
    for wanted, path in (
        (200, "/a%20b/c%20d.txt"), (404, "/a+b/c+d.txt"), (200, "/p%2520q.txt"), (404, "/p%20q.txt"), (400, "/%2e%2e/etc/passwd"),
        (400, "/../etc/passwd"), (404, "/%252e%252e/etc/passwd"), (200, "/a%20b/%2e%2e/r"), (404, "/..%2fetc/passwd"), (400, "/r%00"),
        (404, "//r"), (404, "/r/"), (200, "/%72"),
    ):
        status = ask(port, path)[0]
        box.expect(status == wanted, f"{path}: {status}, not {wanted}")
