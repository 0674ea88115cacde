"""Messages to the master: what they may cost it, while which it supervises nothing."""

from support import ask, case


@case()
def content_in_data_costs_what_content_in_an_array_does(box):
    _, port = box.serve_own()
    seconds = {}
    for kind in ("bytes", "data", "contiguous"):
        words = ask(port, f"/send?kind={kind}&mb=8", patience=60)[2].decode().split()
        seconds[kind] = float(words[0]) + float(words[1]) if len(words) == 3 and words[2] == str(8 << 20) else 99
    for kind in ("data", "contiguous"):
        box.expect(seconds[kind] <= 5 * seconds["bytes"] + 0.1, f"8 MB as {kind} took {seconds[kind]:.2f} s, as [UInt8] {seconds['bytes']:.2f}")
    large = ask(port, "/send?kind=data&mb=40", patience=60)[2].decode().strip()
    box.expect(not large.startswith("refused"), f"40 MB of Data: {large}")


@case()
def a_message_that_nests_without_end_is_refused(box):
    """By nested containers alone, where no value of a type nests."""
    _, port = box.serve_own()
    status, _, said = ask(port, "/send?kind=deep&depth=100000", patience=60)
    box.expect(status == 200 and said.startswith(b"refused"), f"the answer is {status} {said[:80]!r}" if status else "the worker died")
