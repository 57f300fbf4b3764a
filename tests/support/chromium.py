"""Headless Chromium with a fake microphone, driven through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """A tab."""

    socket: aiohttp.ClientWebSocketResponse
    sent: int = 0
    faults: list[str] = field(default_factory=list)  # exceptions and errors on the console

    async def call(self, method: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol and its result."""
        self.sent += 1
        number = self.sent
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self.socket.receive_json(timeout=30)
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    async def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are awaited, a click counts as the user's."""
        flags = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        result = await self.call("Runtime.evaluate", expression=expression, **flags)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = 20.0) -> Any:
        """The first true value of an expression; the browser itself waits for it."""
        script = f"""new Promise((resolve) => {{
            const end = performance.now() + {1000 * seconds};
            const look = () => {{
                const value = {expression};
                if (value || performance.now() > end) resolve(value); else setTimeout(look, 50);
            }};
            look();
        }})"""
        value = await self.run(script)
        assert value, f"{expression} stayed {value!r}; console: {self.faults}"
        return value

    async def screenshot(self, path: Path, width: int = 1280, height: int = 860, dark: bool = False) -> None:
        """A picture of the page as PNG."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.run("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        shot = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.faults.append(str(message["params"]["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.faults.append(str(message["params"]["entry"]))


@asynccontextmanager
async def browsing(chromium: str, url: str, folder: Path, microphone: Path | None = None) -> AsyncIterator[Page]:
    """A tab on `url`; `microphone` is a wav file that is heard over and over, a beep if None."""
    fake = [] if microphone is None else [f"--use-file-for-fake-audio-capture={microphone}"]
    command = [chromium, *FLAGS, *fake, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = await _debugging_port(folder, process)
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/json") as answer:
                tab = next(each for each in await answer.json() if each["type"] == "page")
            async with http.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Runtime", "Log", "Page"):
                    await page.call(f"{domain}.enable")
                await page.call("Page.navigate", url=url)
                await page.until("document.readyState === 'complete' && location.protocol !== 'about:'")
                yield page
                with contextlib.suppress(Exception):
                    await page.call("Browser.close")
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            process.kill()
            process.wait()


async def _debugging_port(folder: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that Chromium chose, from the file it writes."""
    path = folder / "DevToolsActivePort"
    for _ in range(600):
        if path.exists() and (lines := path.read_text().split()):
            return int(lines[0])
        assert process.poll() is None, "Chromium ended at once"
        await asyncio.sleep(0.05)
    raise AssertionError("Chromium did not start")
