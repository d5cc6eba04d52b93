"""Chromium without a window, spoken to by the Chrome DevTools Protocol over two pipes."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # A letter looks the same wherever it stands, so that pictures are small.
    "--disable-font-subpixel-positioning",
    "--remote-debugging-pipe",
)
PATIENCE = 60


class Browser:
    """One browser with an empty profile, and one tab."""

    def __init__(self, chromium):
        self.profile = tempfile.mkdtemp(prefix="page-")
        commands, self.to_browser = os.pipe()
        self.from_browser, answers = os.pipe()

        def use_pipes():
            # The protocol's own numbers: it reads from 3 and writes to 4.
            first, second = os.dup(commands), os.dup(answers)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            close_fds=False,
            preexec_fn=use_pipes,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.rest = b""
        self.number = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def close(self):
        with contextlib.suppress(Exception):
            self.session = None
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        """One command; events that arrive meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        """Until an event has arrived."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read())

    def read(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.from_browser], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self.from_browser, 1 << 16) if ready else b""
            if not chunk:
                raise RuntimeError("the browser does not answer")
            self.rest += chunk
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, path, *, width=1280, height=900, dark=False, media="", scripts=True, scale=1):
        """Opens a file, or an address, with a screen of this size."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.resize(width, height, scale)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=path if isinstance(path, str) else path.as_uri())
        self.wait("Page.loadEventFired")

    def resize(self, width, height=900, scale=1):
        """Gives the page another screen; a narrow one is a phone's."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, script):
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def before_scripts(self, script):
        """Runs a script in each page from now on, before those of the page."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def press(self, key, *, all_of=False):
        """Presses a key, or with Control the one that selects all of a field."""
        codes = {"Tab": 9, "Enter": 13, "End": 35, "ArrowLeft": 37, "ArrowRight": 39, "Delete": 46, "a": 65}
        pressed = {"key": key, "code": "KeyA" if key == "a" else key, "windowsVirtualKeyCode": codes[key]}
        if all_of:
            pressed |= {"modifiers": 2, "commands": ["selectAll"]}
        text = "\r" if key == "Enter" else ""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, text=text, **pressed)

    def type(self, text):
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)

    def paper(self):
        """The page as a PDF on A4."""
        data = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)["data"]
        return base64.b64decode(data)

    def screenshot(self, *, whole=True):
        """The whole page, or what is on the screen, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def picture(self, path):
        """The whole page, in a file."""
        path.write_bytes(self.screenshot())

    def complaints(self):
        """What the page wrote to the console, and what the browser has against it."""
        found = []
        for event in self.events:
            if event.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                found.append(json.dumps(event["params"]))
        return found

    def requests(self):
        events = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in events]

    def tree(self):
        """The accessibility tree: role and name of what a screen reader meets, in order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        shown = (node for node in nodes if not node.get("ignored"))
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown if "role" in node]
