"""The Messenger port over Discord's REST API. It needs a signed-in client, no gateway.

What each of Discord's errors leads to is in `delivery_errors`; the steps that are taken at once are taken here.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
from discord.http import Route
from discord.webhook.async_ import async_context

from bot.clock import Clock
from bot.discord.custom_ids import is_mark
from bot.discord.delivery_errors import UNKNOWN_MEMBER, UNKNOWN_USER, Act, Step, step_of, translate
from bot.discord.gate import answers
from bot.discord.history import can_read_history
from bot.discord.render import EPHEMERAL, NO_MENTIONS, Renderer
from bot.discord.render_approval import approval
from bot.discord.uploads import Once, SecondSending, Upload, multipart, open_files, that_fit
from bot.discord.words import Words, shorten
from bot.domain.errors import DeliveryAmbiguous, DeliveryForbidden, DeliveryRetry, DeliveryTooLarge
from bot.domain.jobs import CardTarget, Job
from bot.domain.rules import PublicPrompts
from bot.ports import ApprovalView, CardView, ClipFile, ClipPost, MarkSearch, Notice, Posted

MESSAGE_TIMEOUT_S = 60.0
UPLOAD_TIMEOUT_S = 180.0
SEARCH_PAGE = 100
MAX_SEARCH_PAGES = 20
CONTENT_CHARS = 2000
#: How far our clock and Discord's may be apart when messages are looked for by time.
CLOCK_MARGIN = timedelta(seconds=60)

FAILURES = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)


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
        try:
            return await self._show(target, view)
        except FAILURES as error:
            act = Act.CARD if self._is_live(target) else Act.EDIT
            step = step_of(error, act)
            if step is Step.GONE:
                return None
            if step is Step.WITHOUT_PROMPT and view.prompt_shown is not PublicPrompts.NO:
                return await self.show_card(target, replace(view, prompt_shown=PublicPrompts.NO))
            if step is not Step.BY_BOT_TOKEN:
                raise translate(error, act) from error
        shown = await self.show_card(replace(target, interaction_token=None), view)
        return None if shown is None else target

    async def _show(self, target: CardTarget, view: CardView) -> CardTarget | None:
        payload = self.renderer.card(view)
        if self._is_live(target):
            return await self._edit_by_token(target, payload)
        if view.job.is_private or target.message_id is None:
            return None
        await self._edit(target.channel_id, target.message_id, payload)
        return target

    async def _edit(self, channel_id: int, message_id: int, payload: Mapping[str, Any]) -> None:
        path = "/channels/{channel_id}/messages/{message_id}"
        async with asyncio.timeout(MESSAGE_TIMEOUT_S):
            await self.client.http.request(
                Route("PATCH", path, channel_id=channel_id, message_id=message_id), json=payload
            )

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
        try:
            return await self._create(channel_id, payload, (post.file, *post.pictures, post.preview))
        except FAILURES as error:
            plainer = _plainer(post, step_of(error, Act.POST))
            if plainer is None:
                raise translate(error, Act.POST) from error
        return await self.post_clip(channel_id, plainer)

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
                files = await open_files(stack, (post.file, *post.pictures, post.preview), is_once=True)
                answer = await self._execute(target, payload, files)
            return Posted(int(answer["channel_id"]), int(answer["id"]))
        except SecondSending:
            # After a 429 nothing was shown; after anything else the message may exist.
            raise DeliveryRetry(status=429) if seen[-1:] == [429] else DeliveryAmbiguous from None
        except FAILURES as error:
            if isinstance(error, TimeoutError) and seen[-1:] == [429]:
                raise DeliveryRetry(status=429) from error  # all the time went by before Discord took it
            plainer = _plainer(post, step_of(error, Act.FOLLOW_UP))
            if plainer is None:
                raise translate(error, Act.FOLLOW_UP) from error
        finally:
            answers.reset(token)
        return await self.follow_up(target, plainer)

    async def _execute(self, target: CardTarget, payload: dict[str, Any], files: list[Upload]) -> dict[str, Any]:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S if files else MESSAGE_TIMEOUT_S):
            answer: Any = await async_context.get().execute_webhook(
                target.application_id,
                target.interaction_token or "",
                session=_session(self.client),
                payload=None if files else payload,
                multipart=multipart(payload, files) if files else None,
                files=files or [Once()],  # type: ignore[list-item]
                wait=True,
            )
        return dict(answer)

    async def _create(
        self, channel_id: int, payload: dict[str, Any], attached: Iterable[ClipFile | None] = ()
    ) -> Posted:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
        async with AsyncExitStack() as stack:
            files = await open_files(stack, attached)
            async with asyncio.timeout(UPLOAD_TIMEOUT_S if files else MESSAGE_TIMEOUT_S):
                if files:
                    answer = await self.client.http.request(route, files=files, form=multipart(payload, files))
                else:
                    answer = await self.client.http.request(route, json=payload)
        return Posted(int(answer["channel_id"]), int(answer["id"]))

    async def open_direct(self, user_id: int) -> int:
        """Return the channel id of the member's direct messages."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                answer = await self.client.http.start_private_message(user_id)
        except FAILURES as error:
            raise translate(error, Act.DIRECT) from error
        return int(answer["id"])

    async def tell(self, user_id: int, view: CardView) -> Posted:
        """Tell a job's outcome without a clip by direct message; the nonce keeps it from being told twice."""
        channel_id = await self.open_direct(user_id)
        payload = {**self.renderer.card(view), "content": self.renderer.outcome(view.job)}
        payload |= {"nonce": f"{view.job.id}-told", "enforce_nonce": True}
        return await self._post(channel_id, payload)

    async def post_notice(self, channel_id: int, notice: Notice) -> Posted:
        """Post a text, and files with it, that pings nobody."""
        payload: dict[str, Any] = {"content": shorten(notice.text, CONTENT_CHARS), "allowed_mentions": NO_MENTIONS}
        payload |= {"nonce": notice.nonce, "enforce_nonce": True}
        return await self._post(channel_id, payload, notice.files)

    async def show_approval(self, channel_id: int, view: ApprovalView, *, message_id: int | None) -> Posted:
        """Post the card that moderators decide on, or edit it where it has a `message_id`.

        Reference pictures that one message does not take are left out: a decision does not wait for them.
        """
        payload = approval(view, Words(self.renderer.catalogue, view.locale))
        if message_id is not None:
            try:
                await self._edit(channel_id, message_id, payload)
            except FAILURES as error:
                raise translate(error, Act.EDIT) from error
            return Posted(channel_id, message_id)
        payload |= {"nonce": f"{view.job.id}-appr", "enforce_nonce": True}
        try:
            return await self._post(channel_id, payload, that_fit(view.files))
        except DeliveryTooLarge:
            return await self._post(channel_id, payload)

    async def _post(self, channel_id: int, payload: dict[str, Any], files: Iterable[ClipFile] = ()) -> Posted:
        try:
            return await self._create(channel_id, payload, files)
        except FAILURES as error:
            raise translate(error, Act.POST) from error

    # ----------------------------------------------------------------------------------------------- looking

    async def find_mark(
        self, channel_id: int, job: Job, delivery_number: int, *, after: datetime, part: int = 0
    ) -> MarkSearch:
        """Look through a channel's messages since `after` for the mark of one message of a delivery.

        Without Read Message History Discord answers an empty list, so an empty one proves nothing by itself.
        """
        position = discord.utils.time_snowflake(after - CLOCK_MARGIN)
        try:
            for page_number in range(MAX_SEARCH_PAGES):
                async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                    page: Any = await self.client.http.logs_from(channel_id, SEARCH_PAGE, after=position)
                for message in page:
                    if self._has_mark(message, job.id, delivery_number, part):
                        return MarkSearch(Posted(channel_id, int(message["id"])), is_certain=True)
                if len(page) < SEARCH_PAGE:
                    is_readable = bool(page) or page_number > 0 or await can_read_history(self.client, channel_id)
                    return MarkSearch(None, is_certain=is_readable)
                position = max(int(message["id"]) for message in page)
        except FAILURES as error:
            if step_of(error, Act.EDIT) is Step.GONE:
                return MarkSearch(None, is_certain=True)
            raise translate(error, Act.EDIT) from error
        return MarkSearch(None, is_certain=False)

    def _has_mark(self, message: Mapping[str, Any], job_id: str, delivery_number: int, part: int) -> bool:
        own = self.client.user
        if own is None or int(message["author"]["id"]) != own.id:
            return False
        buttons = (button for row in message.get("components", ()) for button in row.get("components", ()))
        return any(is_mark(str(button.get("custom_id", "")), job_id, delivery_number, part) for button in buttons)

    async def delete_message(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's own messages; one already gone is fine."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                await self.client.http.delete_message(channel_id, message_id)
        except FAILURES as error:
            if step_of(error, Act.EDIT) is not Step.GONE:
                raise translate(error, Act.EDIT) from error

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Tell whether somebody is in a guild that the bot is in. It needs no privileged intent (resources/guild)."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                await self.client.http.get_member(guild_id, user_id)
        except FAILURES as error:
            if isinstance(error, discord.HTTPException) and error.code in {UNKNOWN_MEMBER, UNKNOWN_USER}:
                return False
            raise translate(error, Act.EDIT) from error
        return True


def _plainer(post: ClipPost, step: Step) -> ClipPost | None:
    """Return the same clip without what Discord refused, None where that is not in it."""
    if step is Step.WITHOUT_REPLY and post.reply_to is not None:
        return replace(post, reply_to=None)
    if step is Step.WITHOUT_PROMPT and post.prompt_shown is not PublicPrompts.NO:
        return replace(post, prompt_shown=PublicPrompts.NO)
    return None


def _session(client: discord.Client) -> aiohttp.ClientSession:
    """Return discord.py's own session, as its interactions use it; it has no public name."""
    session: aiohttp.ClientSession = client.http._HTTPClient__session  # type: ignore[attr-defined]
    return session
