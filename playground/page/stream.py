"""The live stream of one view: a person, a channel, and the side panel, sent again whenever they changed."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from playground.discord import Channel, Person, VirtualDiscord
from playground.page.acts import DIRECT

MESSAGES_SHOWN = 100
PANEL_INTERVAL_S = 0.5
"""The side panel's sources tell nobody of their changes, so they are looked at this often."""
GAP_S = 0.05
"""Bursts of changes are sent together, at most one update in this time."""


class ViewStream:
    """Server-Sent Events for one open page; each event carries the whole of its part."""

    def __init__(
        self, discord: VirtualDiscord, person: Person, channel: Channel, key: str, panel: Callable[[], dict[str, Any]]
    ) -> None:
        self._discord = discord
        self._person = person
        self._channel = channel
        self._is_direct = key == DIRECT
        self._panel = panel
        self._sent: dict[str, str] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Send until the browser goes away."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        version = 0
        try:
            while True:
                for event, part in self._parts().items():
                    await self._send(response, event, part)
                await asyncio.sleep(GAP_S)
                version = await self._next(version)
        except ConnectionResetError:
            return response

    async def _next(self, version: int) -> int:
        try:
            return await asyncio.wait_for(self._discord.changed(version), PANEL_INTERVAL_S)
        except TimeoutError:
            return version

    def _parts(self) -> dict[str, Any]:
        direct = self._discord.direct_messages(self._person)
        seen = direct if self._is_direct else self._discord.messages(self._channel, self._person)
        return {
            "commands": self._discord.commands(self._person, self._channel),
            "messages": seen[-MESSAGES_SHOWN:],
            "direct": len(direct),
            "panel": self._panel(),
        }

    async def _send(self, response: web.StreamResponse, event: str, part: Any) -> None:
        text = json.dumps(part, default=str)
        if self._sent.get(event) != text:
            await response.write(f"event: {event}\ndata: {text}\n\n".encode())
            self._sent[event] = text
