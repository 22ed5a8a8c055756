"""Headless Chromium driven over the Chrome DevTools Protocol, nothing else needed."""

import asyncio
import base64
import json
import shutil
from pathlib import Path
from typing import Any

import aiohttp

from playground.rig import Rig
from tests.waiting import PATIENCE_S, until

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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
    "--window-size=1440,900",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of one browser."""

    def __init__(self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession) -> None:
        self._process = process
        self._session = session
        self._socket: aiohttp.ClientWebSocketResponse
        self._number = 0
        self.problems: list[str] = []

    @classmethod
    async def start(cls, program: str, folder: Path) -> "Browser":
        """Start it with a fresh profile in `folder`."""
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        browser = cls(process, aiohttp.ClientSession())
        async with asyncio.timeout(PATIENCE_S):
            await browser._connect(folder / "DevToolsActivePort")
        return browser

    async def _connect(self, port_file: Path) -> None:
        while not (port := _port(port_file)):  # noqa: ASYNC110 -- the browser tells its port by a file only
            await asyncio.sleep(0.05)
        origin = f"http://127.0.0.1:{port}"
        async with self._session.get(origin + "/json") as answer:
            page = next(target for target in await answer.json() if target["type"] == "page")
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")

    async def stop(self) -> None:
        """Close the browser."""
        await self._session.close()
        self._process.terminate()
        await self._process.wait()

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; complaints of the page that pass by are kept in `problems`."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive(timeout=PATIENCE_S)).data)
            self._note(message)
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(message["params"]["exceptionDetails"]))
        entry = message.get("params", {}).get("entry", {})
        if message.get("method") == "Log.entryAdded" and entry["level"] == "error":
            self.problems.append(f"{entry['text']} {entry.get('url', '')}")

    async def open(self, address: str) -> None:
        """Go to a page."""
        await self.call("Page.navigate", url=address)

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is truthy. Raises AssertionError when the time is over."""

        async def is_so() -> object:
            return await self.evaluate(f"Boolean({script})")

        await until(is_so, script)

    async def type(self, text: str) -> None:
        """Type into the element that has the focus."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        """Press and release a key, by its name and Windows key code."""
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                text="\r" * (code == 13),
            )

    async def choose_files(self, script: str, *paths: Path) -> None:
        """Choose files in the file input that an expression gives, as the browser's own dialog would."""
        found = await self.call("Runtime.evaluate", expression=script)
        files = [str(path) for path in paths]
        await self.call("DOM.setFileInputFiles", files=files, objectId=found["result"]["objectId"])

    async def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        picture = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(picture["data"])


async def open_page(browser: Browser, rig: Rig) -> None:
    """Wait until the composer has built the first command."""
    assert rig.page is not None
    await browser.open(rig.page.origin)
    await browser.until("!!document.querySelector('#send')")


def _port(port_file: Path) -> str:
    """The port of the protocol once the browser has written it, else nothing."""
    written = port_file.read_text() if port_file.exists() else ""
    return written.split()[0] if "\n" in written else ""
