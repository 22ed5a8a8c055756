"""The Messenger port over Discord's REST API. It needs a signed-in client, no gateway."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BufferedIOBase, RawIOBase
from typing import Any

import aiohttp
import discord
from discord.http import Route
from discord.webhook.async_ import async_context

from bot.clock import Clock
from bot.discord.custom_ids import is_mark
from bot.discord.delivery_errors import UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, is_dead_token, translate
from bot.discord.gate import answers
from bot.discord.history import can_read_history
from bot.discord.render import EPHEMERAL, Renderer
from bot.domain.errors import DeliveryAmbiguous, DeliveryForbidden, DeliveryRetry
from bot.domain.jobs import CardTarget, Job
from bot.ports import CardView, ClipFile, ClipPost, MarkSearch, Posted

MESSAGE_TIMEOUT_S = 60.0
UPLOAD_TIMEOUT_S = 180.0
SEARCH_PAGE = 100
MAX_SEARCH_PAGES = 20
#: How far our clock and Discord's may be apart when messages are looked for by time.
CLOCK_MARGIN = timedelta(seconds=60)

FAILURES = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)


class SecondSending(Exception):
    """discord.py is about to send the same request again."""


class Upload(discord.File):
    """A file for one message. With `is_once` it cannot be sent a second time."""

    def __init__(self, fp: BufferedIOBase | RawIOBase, filename: str, *, is_once: bool) -> None:
        super().__init__(fp, filename)  # type: ignore[arg-type]
        self._is_once = is_once

    def reset(self, *, seek: int | bool = True) -> None:
        """Go back to the beginning; discord.py calls this before each sending, with the number of earlier ones."""
        if seek and self._is_once:
            raise SecondSending
        super().reset(seek=seek)


class Once:
    """Stands in a request's list of files to stop discord.py from sending it again: follow-ups have no nonce."""

    def reset(self, *, seek: int) -> None:
        """Refuse every sending but the first."""
        if seek:
            raise SecondSending


@dataclass(frozen=True, slots=True)
class RestMessenger:
    """Shows cards and posts clips."""

    client: discord.Client
    renderer: Renderer
    clock: Clock

    # ------------------------------------------------------------------------------------------------ cards

    async def show_card(self, target: CardTarget, view: CardView) -> CardTarget | None:
        """Edit the card to `view`; through the interaction while its token lives, else by bot token.

        Returns the target with its message id filled in, or None where the card is gone for good.
        """
        payload = self.renderer.card(view)
        try:
            if self._is_live(target):
                try:
                    return await self._edit_by_token(target, payload)
                except discord.HTTPException as error:
                    if not is_dead_token(error):
                        raise
            if view.job.is_private or target.message_id is None:
                return None
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                await self.client.http.request(_message("PATCH", target.channel_id, target.message_id), json=payload)
            return target
        except FAILURES as error:
            if isinstance(error, discord.HTTPException) and error.code == UNKNOWN_MESSAGE:
                return None
            raise translate(error, is_repeatable=True) from error

    async def _edit_by_token(self, target: CardTarget, payload: Mapping[str, Any]) -> CardTarget:
        async with asyncio.timeout(MESSAGE_TIMEOUT_S):
            answer = await async_context.get().edit_original_interaction_response(
                target.application_id,
                target.interaction_token or "",
                session=_session(self.client),
                payload=dict(payload),
            )
        return replace(target, channel_id=int(answer["channel_id"]), message_id=int(answer["id"]))

    def _is_live(self, target: CardTarget) -> bool:
        if not target.interaction_token or target.token_expires_at is None:
            return False
        return target.token_expires_at > self.clock.now()

    # ------------------------------------------------------------------------------------------------ posts

    async def post_clip(self, channel_id: int, post: ClipPost) -> Posted:
        """Post a new message to a channel by bot token.

        `enforce_nonce` makes Discord return the same message for the same nonce for some minutes
        (resources/message, Create Message), so discord.py may repeat a request that was answered by an error.
        """
        payload = {**self.renderer.clip(post), "nonce": post.nonce, "enforce_nonce": True}
        if post.reply_to is not None:
            payload["message_reference"] = {"message_id": str(post.reply_to), "fail_if_not_exists": False}
        async with AsyncExitStack() as stack:
            files = await self._open(stack, post, is_once=False)
            return await self._create(channel_id, payload, files)

    async def follow_up(self, target: CardTarget, post: ClipPost) -> Posted:
        """Post through the interaction; private where the job is. At most once: it has no nonce."""
        if not self._is_live(target):
            raise DeliveryForbidden
        payload: dict[str, Any] = self.renderer.clip(post)
        if post.job.is_private:
            payload["flags"] = EPHEMERAL
        seen: list[int] = []
        token = answers.set(seen)
        try:
            async with AsyncExitStack() as stack:
                files = await self._open(stack, post, is_once=True)
                answer = await self._execute(target, payload, files)
        except SecondSending:
            # After a 429 nothing was shown; after anything else the message may exist.
            raise DeliveryRetry(status=429) if seen[-1:] == [429] else DeliveryAmbiguous from None
        except FAILURES as error:
            raise translate(error, is_repeatable=False) from error
        finally:
            answers.reset(token)
        return Posted(int(answer["channel_id"]), int(answer["id"]))

    async def _execute(self, target: CardTarget, payload: dict[str, Any], files: list[Upload]) -> dict[str, Any]:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S if files else MESSAGE_TIMEOUT_S):
            answer: Any = await async_context.get().execute_webhook(
                target.application_id,
                target.interaction_token or "",
                session=_session(self.client),
                payload=None if files else payload,
                multipart=_multipart(payload, files) if files else None,
                files=files or [Once()],  # type: ignore[list-item]
                wait=True,
            )
        return dict(answer)

    async def _create(self, channel_id: int, payload: dict[str, Any], files: list[Upload]) -> Posted:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_S if files else MESSAGE_TIMEOUT_S):
                if files:
                    answer = await self.client.http.request(route, files=files, form=_multipart(payload, files))
                else:
                    answer = await self.client.http.request(route, json=payload)
        except FAILURES as error:
            raise translate(error, is_repeatable=False) from error
        return Posted(int(answer["channel_id"]), int(answer["id"]))

    async def _open(self, stack: AsyncExitStack, post: ClipPost, *, is_once: bool) -> list[Upload]:
        found: list[Upload] = []
        for file in (post.file, post.preview):
            if file is not None:
                opened = await asyncio.to_thread(_open_file, file)
                stack.callback(opened.close)
                found.append(Upload(opened, file.filename, is_once=is_once))
        return found

    async def open_direct(self, user_id: int) -> int:
        """Return the channel id of the member's direct messages."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                answer = await self.client.http.start_private_message(user_id)
        except FAILURES as error:
            raise translate(error, is_repeatable=True) from error
        return int(answer["id"])

    async def tell(self, user_id: int, view: CardView) -> Posted:
        """Tell a job's outcome without a clip by direct message; the nonce keeps it from being told twice."""
        channel_id = await self.open_direct(user_id)
        payload = {**self.renderer.card(view), "content": self.renderer.outcome(view.job)}
        payload |= {"nonce": f"{view.job.id}-told", "enforce_nonce": True}
        return await self._create(channel_id, payload, [])

    # ----------------------------------------------------------------------------------------------- looking

    async def find_mark(self, channel_id: int, job: Job, delivery_number: int, *, after: datetime) -> MarkSearch:
        """Look through a channel's messages since `after` for the job's message mark.

        Without Read Message History Discord answers an empty list, so an empty one proves nothing by itself.
        """
        position = discord.utils.time_snowflake(after - CLOCK_MARGIN)
        try:
            for page_number in range(MAX_SEARCH_PAGES):
                async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                    page: Any = await self.client.http.logs_from(channel_id, SEARCH_PAGE, after=position)
                for message in page:
                    if self._has_mark(message, job.id, delivery_number):
                        return MarkSearch(Posted(channel_id, int(message["id"])), is_certain=True)
                if len(page) < SEARCH_PAGE:
                    is_readable = bool(page) or page_number > 0 or await can_read_history(self.client, channel_id)
                    return MarkSearch(None, is_certain=is_readable)
                position = max(int(message["id"]) for message in page)
        except FAILURES as error:
            if isinstance(error, discord.HTTPException) and error.code == UNKNOWN_CHANNEL:
                return MarkSearch(None, is_certain=True)
            raise translate(error, is_repeatable=True) from error
        return MarkSearch(None, is_certain=False)

    def _has_mark(self, message: Mapping[str, Any], job_id: str, delivery_number: int) -> bool:
        own = self.client.user
        if own is None or int(message["author"]["id"]) != own.id:
            return False
        buttons = (button for row in message.get("components", ()) for button in row.get("components", ()))
        return any(is_mark(str(button.get("custom_id", "")), job_id, delivery_number) for button in buttons)

    async def delete_message(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's own messages; one already gone is fine."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                await self.client.http.delete_message(channel_id, message_id)
        except FAILURES as error:
            if isinstance(error, discord.HTTPException) and error.code in {UNKNOWN_MESSAGE, UNKNOWN_CHANNEL}:
                return
            raise translate(error, is_repeatable=True) from error


def _message(method: str, channel_id: int, message_id: int) -> Route:
    path = "/channels/{channel_id}/messages/{message_id}"
    return Route(method, path, channel_id=channel_id, message_id=message_id)


def _session(client: discord.Client) -> aiohttp.ClientSession:
    """Return discord.py's own session, as its interactions use it; it has no public name."""
    session: aiohttp.ClientSession = client.http._HTTPClient__session  # type: ignore[attr-defined]
    return session


def _multipart(payload: dict[str, Any], files: list[Upload]) -> list[dict[str, Any]]:
    """Lay a message and its files out as Discord wants them (reference, Uploading Files)."""
    attachments = [{"id": index, "filename": file.filename} for index, file in enumerate(files)]
    body = discord.utils._to_json({**payload, "attachments": attachments})
    parts: list[dict[str, Any]] = [{"name": "payload_json", "value": body, "content_type": "application/json"}]
    for index, file in enumerate(files):
        kind = "image/jpeg" if file.filename.endswith(".jpg") else "video/mp4"
        name = f"files[{index}]"
        parts.append({"name": name, "value": file.fp, "filename": file.filename, "content_type": kind})
    return parts


def _open_file(file: ClipFile) -> Any:
    return file.path.open("rb")
