"""The live stream of one view: a person, a channel, and the side panel, sent again whenever they changed."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from playground.discord import Channel, Person, VirtualDiscord
from playground.page.acts import DIRECT
from playground.page.languages import in_language
from playground.page.scene import scene

MESSAGES_SHOWN = 100
PANEL_INTERVAL_S = 0.5
"""The side panel's sources tell nobody of their changes, so they are looked at this often."""
EPHEMERAL = 1 << 6
"""Discord's flag of a message that one person sees."""
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
        parts: dict[str, Any] = {"server": scene(self._discord, self._person)}
        if self._is_direct or self._channel.key in self._discord.channels:
            seen = self._discord.messages(self._channel, self._person)
            parts["commands"] = in_language(self._discord.commands(self._person, self._channel), self._locale())
            parts["messages"] = _without_strangers_secrets(seen)[-MESSAGES_SHOWN:]
        people = self._discord.people
        parts["direct"] = {key: len(self._discord.direct_messages(person)) for key, person in people.items()}
        return {**parts, "panel": self._panel()}

    def _locale(self) -> str:
        return self._discord.settings.locales.get(self._person.id, "en-US")

    async def _send(self, response: web.StreamResponse, event: str, part: Any) -> None:
        text = json.dumps(part, default=str)
        if self._sent.get(event) != text:
            await response.write(f"event: {event}\ndata: {text}\n\n".encode())
            self._sent[event] = text


def _without_strangers_secrets(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages without the text of private ones that they answer, unless the viewer sees those too."""
    own = {message["id"] for message in seen}

    def is_secret(answered: dict[str, Any] | None) -> bool:
        return answered is not None and bool(answered["flags"] & EPHEMERAL) and answered["id"] not in own

    return [
        {**message, "referenced_message": None} if is_secret(message.get("referenced_message")) else message
        for message in seen
    ]
