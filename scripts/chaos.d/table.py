"""The table of the documentation: a row of each storm, brought up to date by every run that is told to.

A row is known by its storm's name. What a run hasn't shown stays as it was, so a table can be made in pieces. Only storms that kept every
promise get a row: a figure that breaks one is no figure for the documentation.
"""

import os

HEADING = "| Storm | Sent | Lost | p99.9 | Longest gap | Clients' own stall | What happened |"
RULE = "| --- | ---: | ---: | ---: | ---: | ---: | --- |"


def row(verdict):
    counts, cells = verdict.counts, [f"`{verdict.name}`"]
    if counts:
        times = (counts.first.worst_ms("p999"), counts.worst_gap_us / 1000, counts.worst_stall_us / 1000)
        cells += [f"{counts.sum('sent'):,}", f"{counts.sum('failed'):,}", *(shown(time) for time in times)]
    else:
        cells += [""] * 5
    return f"| {' | '.join(cells)} | {', '.join(verdict.notes)} |"


def shown(milliseconds):
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def renew(path, verdict, order):
    """Puts a row into the file's table, in this order of names, if the storm was good; rows with other names are dropped."""
    if not verdict.is_good:
        return
    with open(path) as file:
        lines = file.read().split("\n")
    begin = lines.index(HEADING) + 2
    end = begin
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    rows = {name_of(line): line for line in lines[begin:end]}
    rows[verdict.name] = row(verdict)
    text = "\n".join([*lines[:begin], *(rows[name] for name in order if name in rows), *lines[end:]])
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def name_of(line):
    return line.split("|")[1].strip(" `")


if __name__ == "__main__":
    import tempfile
    import types
    verdict = types.SimpleNamespace(name="poison", counts=None, notes=["two"], is_good=True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "page.md")
        with open(path, "w") as file:
            file.write(f"before\n\n{HEADING}\n{RULE}\n| `poison` |  |  |  |  |  | one |\n| `gone` |  |  |  |  |  | one |\n\nafter\n")
        for changes in ({}, {"name": "half"}, {"name": "poison", "notes": ["three"], "is_good": False}):
            renew(path, types.SimpleNamespace(**{**vars(verdict), **changes}), ["half", "poison"])
        with open(path) as file:
            text = file.read()
    assert text.split("\n")[4:] == ["| `half` |  |  |  |  |  | two |", "| `poison` |  |  |  |  |  | two |", "", "after", ""], text
    print("ok")
