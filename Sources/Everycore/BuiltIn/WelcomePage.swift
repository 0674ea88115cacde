// The page at `/`: the server's name and links. One constant, no further requests. Its links are relative: a proxy
// may have removed a prefix.

let welcomePage: StaticString = """
    <!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Everycore</title>
    <style>
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem;
           color: #1a1a1a; background: #fff }
    code { font: .95em ui-monospace, monospace }
    td { padding: .1rem 1.5rem .1rem 0; vertical-align: top }
    @media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #161616 } a { color: #8ab4f8 } }
    </style>
    <h1>Everycore</h1>
    <p>A pre-fork HTTP server for Swift on Linux: one worker process per core, and a master that looks after them.
    A crash in a handler ends one worker; the others go on, and a new one takes its place.</p>
    <table>
    <tr><td><a href="plaintext"><code>/plaintext</code></a><td>a constant text
    <tr><td><a href="json"><code>/json</code></a><td>a constant JSON object
    <tr><td><a href="whoami"><code>/whoami</code></a><td>the worker that answers: its slot, generation and pid
    <tr><td><code>/echo</code><td>returns the body that it is sent
    <tr><td><a href="sleep?ms=500"><code>/sleep?ms=500</code></a><td>waits without holding the worker
    <tr><td><a href="work?ms=100"><code>/work?ms=100</code></a><td>computes, in slices between which the worker serves others
    <tr><td><a href="health"><code>/health</code></a><td>200 while the worker lives
    <tr><td><a href="ready"><code>/ready</code></a><td>200 while it takes requests, 503 while it drains
    </table>
    </html>

    """
