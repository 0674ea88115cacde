"""The dashboard in a browser: Chromium, driven over the WebDriver protocol. Skipped where chromium and chromedriver aren't installed.

scripts/dashboard-test takes its screenshots with the same class.
"""

import base64
import json
import subprocess
import time
import urllib.request

from support import ask, becomes_true, case, children, free_port, name_of, send

TOOLS = ["chromium", "chromedriver"]

# For each text of the page: its contrast to what is behind it (WCAG 2.2, 1.4.3), where that is too little.
CONTRAST = """
const luminance=c=>{const v=c.match(/[\\d.]+/g).slice(0,3).map(x=>{x/=255;return x<=.04045?x/12.92:((x+.055)/1.055)**2.4});return .2126*v[0]+.7152*v[1]+.0722*v[2]};
const behind=e=>{for(;e;e=e.parentElement){const c=getComputedStyle(e).backgroundColor;if(!/, 0\\)$/.test(c)&&c!='transparent')return c}return 'rgb(255,255,255)'};
const bad=[];
for(const e of document.querySelectorAll('body *')){
  if(![...e.childNodes].some(n=>n.nodeType==3&&n.data.trim())||!e.getClientRects().length||['SCRIPT','STYLE'].includes(e.tagName))continue;
  const s=getComputedStyle(e),a=luminance(e.closest('svg')?s.fill:s.color),b=luminance(behind(e)),r=(Math.max(a,b)+.05)/(Math.min(a,b)+.05);
  if(r<4.5)bad.push(e.tagName+' '+e.className+' '+e.textContent.slice(0,20)+' '+r.toFixed(2));
}
return bad;
"""

STRUCTURE = """
const bad=[];
for(const t of document.querySelectorAll('table')){
  if(!t.caption)bad.push('a table without a caption');
  if([...t.querySelectorAll('th')].some(h=>!h.scope))bad.push(t.caption.textContent+': a header without a scope');
  if(!t.closest('[tabindex="0"][aria-label]'))bad.push(t.caption.textContent+': not to be scrolled by keyboard');
}
if(document.documentElement.scrollWidth>innerWidth)bad.push('the page is '+document.documentElement.scrollWidth+' wide of '+innerWidth);
const ids=[...document.querySelectorAll('[id]')].map(e=>e.id);
if(new Set(ids).size!=ids.length)bad.push('an id twice');
if(!document.documentElement.lang||!document.querySelector('main')||!document.querySelector('h1'))bad.push('no language, main part or heading');
return bad;
"""


class Browser:
    def __init__(self, box, width=1280, height=1000, dark=False, javascript=True, reduced=False):
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        box.run("chromedriver", f"--port={port}")
        becomes_true(self.is_up, 10)
        switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", f"--user-data-dir={box.folder()}"]
        if reduced:
            switches.append("--force-prefers-reduced-motion")
        options = {"args": switches, "prefs": {"profile.managed_default_content_settings.javascript": 1 if javascript else 2}}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def is_up(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["value"]

    def at(self, path, body=None, method="POST"):
        return self.call(method, f"/session/{self.session}{path}", body)

    def command(self, name, **parameters):
        return self.at("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, url):
        self.at("/url", {"url": url})

    def run(self, script):
        return self.at("/execute/sync", {"script": script, "args": []})

    def text(self, selector):
        return self.run(f"return document.querySelector({json.dumps(selector)}).textContent")

    def errors(self):
        return [entry["message"] for entry in self.at("/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def screenshot(self, path, whole=True):
        picture = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def close(self):
        self.at("", method="DELETE")


def serve(box):
    admin = free_port()
    process, port = box.serve("--admin", f"127.0.0.1:{admin}", workers=2)
    return process, port, f"http://127.0.0.1:{admin}/"


@case(tools=TOOLS)
def the_dashboard_is_live_in_a_browser_and_breaks_none_of_its_policy(box):
    process, port, url = serve(box)
    browser = Browser(box)
    browser.open(url)
    box.expect(becomes_true(lambda: browser.text("#link") == "live", 8), f"it is '{browser.text('#link')}'")

    def counts():
        for _ in range(10):
            ask(port, "/plaintext")
        return browser.text("#rate") not in ("0", "–")
    box.expect(becomes_true(counts, 8), "no requests are shown")
    box.expect(becomes_true(lambda: browser.run("return document.querySelectorAll('svg path.a').length") == 3, 5), "no chart is drawn")
    for pid in children(process.pid):
        if name_of(pid).endswith("-w1"):
            send(pid, 9)
    box.expect(becomes_true(lambda: "killed, SIGKILL" in browser.text("#exits"), 5), f"exits: {browser.text('#exits')}")
    box.expect(becomes_true(lambda: browser.run("return document.querySelectorAll('.mark.bad').length") >= 4, 5), "no mark on the charts")
    # Another span, by keyboard; and a chart that is read out.
    browser.run("document.querySelector('input[value=\"1h\"]').click()")
    browser.run("document.querySelector('#c-requests').focus();document.querySelector('#c-requests').dispatchEvent(new KeyboardEvent('keydown',{key:'End'}))")
    browser.run("document.querySelector('input[value=\"5m\"]').click()")
    read_out = "document.querySelector('#c-requests').dispatchEvent(new KeyboardEvent('keydown',{key:'ArrowLeft'}));return document.querySelector('#c-requests-at').textContent"
    box.expect(becomes_true(lambda: "2xx" in browser.run(read_out), 5), f"the chart reads out '{browser.run(read_out)}'")
    admin = next(pid for pid in children(process.pid) if name_of(pid).endswith("-admin"))
    send(admin, 9)
    time.sleep(0.3)
    box.expect(becomes_true(lambda: browser.text("#link") == "live", 10), f"after the admin worker's death it is '{browser.text('#link')}'")
    errors = [text for text in browser.errors() if "favicon" not in text and "ERR_" not in text]
    box.expect(not errors, f"the browser says {errors}")
    browser.close()


@case(tools=TOOLS)
def the_dashboard_is_readable_at_every_width_light_and_dark(box):
    process, port, url = serve(box)
    for pid in children(process.pid):
        if name_of(pid).endswith("-w1"):
            send(pid, 9)
    for width in (320, 1280, 2560):
        for dark in (False, True):
            browser = Browser(box, width=width, dark=dark)
            browser.open(url)
            becomes_true(lambda: browser.text("#link") == "live", 8)
            name = f"{width} px, {'dark' if dark else 'light'}"
            box.expect(not (bad := browser.run(STRUCTURE)), f"{name}: {bad}")
            box.expect(not (bad := browser.run(CONTRAST)), f"{name}: too little contrast: {bad[:5]}")
            browser.close()


@case(tools=TOOLS)
def the_dashboard_without_javascript_is_tables_that_are_loaded_anew(box):
    _, port, url = serve(box)
    browser = Browser(box, javascript=False)
    browser.open(url)

    def source():
        return browser.at("/source", method="GET")
    first = source()
    box.expect("Workers" in first and first.count('class="t state ready"') == 2, "no table of workers")

    def is_newer():
        ask(port, "/plaintext")
        return source().split('id="requests">')[1].split("<")[0] not in ("0 in all", first.split('id="requests">')[1].split("<")[0])
    box.expect(becomes_true(is_newer, 8), "it is not loaded anew")
    browser.close()
