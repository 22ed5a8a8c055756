"""What a day with all three providers does over and over: ask one of them, and look at what it was asked for."""

import re
from decimal import Decimal
from typing import Any

import aiohttp

from playground.discord.acting import Outcome
from playground.rig import Rig
from playground.scripts.reading import Json, clip_url, components_of, is_filled, text_of
from playground.scripts.steps import Steps
from playground.scripts.visit import CLIP_TIMEOUT_S, Visit, Where

PLACE = "video-lab"
ADULTS = "after-dark"
Files = dict[str, tuple[str, bytes]]

CREDIT_RATES = {"seedance2-movie": Decimal(1), "seedance2ai": Decimal("0.3")}
"""The bot's credits for one of the provider's, as shipped."""
TV_PRICE_PER_S = Decimal(3)
"""The third provider never tells what a clip cost: members pay what the bot's price table guesses."""


class Day(Visit):
    """A visit in which Ann asks all three providers."""

    def __init__(self, rig: Rig, steps: Steps) -> None:
        super().__init__(rig, steps)
        self.ai = rig.ai
        self.tv = rig.tv

    def asked_of(self, provider: Any, prompt: str) -> list[Any]:
        """A provider's tasks whose prompt has these words in it, oldest first."""
        return [task for task in provider.tasks.values() if prompt in task.order.prompt]

    async def video(self, prompt: str, where: Where = PLACE, files: Files | None = None, **options: Any) -> Outcome:
        """Ann asks for a clip."""
        return await self.use("ann", where, "video", {"prompt": prompt, **options}, files)

    async def makes(
        self, provider: Any, prompt: str, step: str, *, where: Where = PLACE, files: Files | None = None, **options: Any
    ) -> Any:
        """Ann asks for a clip and gets it. Returns the provider's one task for it."""
        await self.video(prompt, where, files, **options)
        await self.clip(prompt, where, step)
        tasks = self.asked_of(provider, prompt)
        self.check(len(tasks) == 1, "… and the provider was asked once", len(tasks))
        return tasks[0]

    def was_asked(self, task: Any, step: str, **expected: Any) -> None:
        """Check what a task's order says."""
        found = {name: getattr(task.order, name) for name in expected}
        self.check(found == expected, step, found)

    def fetched(self, task: Any, kinds: list[str]) -> None:
        """Check that the second provider fetched these references from the bot itself, by its signed links."""
        found = [reference.kind for reference in task.references]
        self.check(found == kinds, f"… and it fetched {len(kinds)} reference(s)", found)
        own = f"http://127.0.0.1:{self.rig.http_port}/media/"
        urls = [reference.url for reference in task.references]
        self.check(all(url.startswith(own) for url in urls), "… by the bot's own signed links", urls)

    async def pictures(self, prompt: str, count: int, step: str, where: Where = PLACE) -> list[Json]:
        """Wait until so many pictures for a prompt are there; their attachments."""

        def found() -> list[Json] | None:
            shown = [m for m in self.discord.messages(where, "ann") if prompt in text_of(m) and not clip_url(m)]
            files = [file for message in shown for file in message["attachments"] if _is_picture(file)]
            return files if len(files) >= count else None

        files = await self.until(found, step, timeout_s=CLIP_TIMEOUT_S)
        self.check(len(files) == count, f"… {count} of them", [file["filename"] for file in files])
        return list(files)

    async def refused(self, outcome: Outcome, pattern: str, step: str) -> None:
        """Check a refusal: private, and no card is left behind."""
        await self.tells(outcome, pattern, step)

    async def form(self, outcome: Outcome, texts: list[str]) -> Outcome:
        """Fill the fields of an opened form in their order, and send it off."""
        if outcome.modal is None:
            self.check(False, "a form opens", self._shown(outcome))
        ids = [str(item["custom_id"]) for item in components_of(outcome.modal or {})]
        values = dict(zip(ids, texts, strict=False))
        return self._in_time(await self.discord.submit_modal("ann", outcome.interaction_id, values, {}), "the form")

    async def setting(self, section: str, values: dict[str, Any], shown: str, step: str) -> None:
        """Mo changes a section of the server's settings."""
        opened = await self.use("mo", "general", "settings")
        panel = await self.tells(opened, "Settings of this server", "/settings shows its panel")
        select = components_of(panel)[0]["custom_id"]
        sent = await self.fill("mo", await self.discord.choose("mo", int(panel["id"]), select, [section]), values)
        await self.tells(sent, f"Changed: .*{shown}", step)

    async def download(self, url: str) -> bytes:
        """What Discord keeps at an address."""
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            answer.raise_for_status()
            return await answer.read()

    def provider_tasks(self) -> int:
        """How many tasks all three have."""
        return len(self.movie.tasks) + len(self.ai.tasks) + len(self.tv.tasks)

    def card(self, prompt: str, where: Where = PLACE) -> Json | None:
        """The card of the newest job for a prompt, once it says something."""
        shown = [m for m in self.discord.messages(where, "ann") if prompt in text_of(m) and is_filled(m)]
        return next((m for m in reversed(shown) if not m["attachments"]), None)

    async def says(self, outcome: Outcome, pattern: str, step: str, timeout_s: float) -> Json:
        """Wait until a job's card says so, not longer than that."""
        match = re.compile(pattern)
        found = await self.until(
            lambda: outcome.message if match.search(text_of(outcome.message)) else None, step, timeout_s=timeout_s
        )
        return dict(found)


def _is_picture(file: Json) -> bool:
    return str(file.get("content_type", "")).startswith("image/")
