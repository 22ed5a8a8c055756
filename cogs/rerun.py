"""What the buttons under clips and cards make of an earlier job: again, with changes, continued, shared."""

import asyncio
from typing import Any

import discord

from bot.discord.client import BotClient
from bot.discord.custom_ids import Action
from bot.domain.errors import Refused
from bot.services.delivery_pictures import numbers_of
from bot.services.rerun import PLACES, RerunView
from cogs._inputs import check_place, requester
from cogs._jobs_shown import show_accepted
from cogs._modal_fields import join_prompt, label, needs_second_field, paragraph, split_prompt, uploaded
from cogs._replies import Interaction, defer, tell, words_of
from cogs.panels import LOOK_TIMEOUT_S, modal_id, open_modal, register_action, register_modal
from cogs.services import Services

EDIT, EXTEND, ANIMATE = "edit", "extend", "picture"
PRIVATE, PUBLIC = "p", "o"
SELECT_OPTIONS = 25  # components/reference, String Select


class Reruns:
    """Registers the buttons and their modals."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Answer the buttons and the modals that they open, also those of an earlier life of the bot."""
        for action, handler in (
            (Action.AGAIN, again),
            (Action.RETRY, retry),
            (Action.EDIT, edit),
            (Action.EXTEND, extend),
            (Action.ANIMATE, animate),
            (Action.SHARE, share),
        ):
            register_action(client, action, handler)

        async def on_edited(interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
            await edited(interaction, self._services, rest, values)

        async def on_extended(interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
            await extended(interaction, self._services, rest, values)

        async def on_animated(interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
            await animated(interaction, self._services, rest, values)

        register_modal(client, EDIT, on_edited)
        register_modal(client, EXTEND, on_extended)
        register_modal(client, ANIMATE, on_animated)


async def again(interaction: Interaction, services: Services, job_id: str) -> None:
    """Ask for the same once more, with a new seed; what was private stays private."""
    await _once_more(interaction, services, job_id, same_seed=False)


async def retry(interaction: Interaction, services: Services, job_id: str) -> None:
    """Ask for the same once more, as it was."""
    await _once_more(interaction, services, job_id, same_seed=True)


async def _once_more(interaction: Interaction, services: Services, job_id: str, *, same_seed: bool) -> None:
    """Ask once more; where files are no longer kept, open the form in which they can be attached again."""
    _check(interaction, services)
    seen = await _look(interaction, services, job_id)
    if seen is not None and seen.missing:
        await _open_edit(interaction, services, job_id, seen)
        return
    is_private = _is_private(interaction)
    message_id = await defer(interaction, private=is_private)
    who = requester(interaction, services, message_id=message_id)
    job = await services.rerun.again(who, job_id, private=is_private, same_seed=same_seed)
    await show_accepted(interaction, services, job)


async def edit(interaction: Interaction, services: Services, job_id: str) -> None:
    """Open the form with the prompt and the files; unfilled where the job cannot be read in time."""
    _check(interaction, services)
    await _open_edit(interaction, services, job_id, await _look(interaction, services, job_id))


async def _open_edit(interaction: Interaction, services: Services, job_id: str, seen: RerunView | None) -> None:
    words = words_of(interaction, services.catalogue)
    first, second, letter = split_prompt("" if seen is None else seen.prompt)
    missing = () if seen is None else seen.missing
    places = PLACES if seen is None else seen.places
    items: list[discord.ui.Item[Any]] = [label(words("modal.prompt"), paragraph("prompt", first))]
    if second or needs_second_field(first):
        items.append(label(words("modal.more"), paragraph("more", second, required=False)))
    if missing:
        names = ", ".join(f"`{words.option(name)}`" for name in missing)
        items.append(discord.ui.TextDisplay(words("modal.missing", names=names)))
    if places:
        upload = discord.ui.FileUpload[Any](
            custom_id="files", required=bool(missing), min_values=len(missing), max_values=len(places)
        )
        order = ", ".join(map(words.option, places))
        items.append(label(words("modal.files"), upload, words("modal.files_order", order=order)))
    kind = PRIVATE if _is_private(interaction) else PUBLIC
    await open_modal(interaction, modal_id(EDIT, f"{job_id}:{letter}:{kind}"), words("modal.edit_title"), items)


async def edited(interaction: Interaction, services: Services, rest: str, values: dict[str, Any]) -> None:
    """Ask for the changed job."""
    job_id, letter, kind = _parts(rest, 3)
    is_private = kind == PRIVATE
    _check(interaction, services, is_private=is_private)
    prompt = join_prompt(str(values.get("prompt") or ""), str(values.get("more") or ""), letter)
    message_id = await defer(interaction, private=is_private)
    who = requester(interaction, services, message_id=message_id)
    files = uploaded(values.get("files") or [])
    job = await services.rerun.edit(who, job_id, prompt, files, private=is_private)
    await show_accepted(interaction, services, job)


async def extend(interaction: Interaction, services: Services, job_id: str) -> None:
    """Ask how the clip goes on."""
    _check(interaction, services)
    seen = await _look(interaction, services, job_id)  # whoever may not is told before they write
    if seen is not None:
        services.rerun.extender(seen.job)
    words = words_of(interaction, services.catalogue)
    field = label(words("modal.extend"), paragraph("prompt"), words("modal.extend_hint"))
    kind = PRIVATE if _is_private(interaction) else PUBLIC
    await open_modal(interaction, modal_id(EXTEND, f"{job_id}:{kind}"), words("modal.extend_title"), [field])


async def extended(interaction: Interaction, services: Services, rest: str, values: dict[str, Any]) -> None:
    """Ask for the clip that follows."""
    job_id, kind = _parts(rest, 2)
    is_private = kind == PRIVATE
    _check(interaction, services, is_private=is_private)
    message_id = await defer(interaction, private=is_private)
    who = requester(interaction, services, message_id=message_id)
    job = await services.rerun.extend(who, job_id, str(values.get("prompt") or ""), private=is_private)
    await show_accepted(interaction, services, job)


async def animate(interaction: Interaction, services: Services, job_id: str) -> None:
    """Ask what happens in the clip, and which of several pictures it begins with."""
    _check(interaction, services)
    seen = await _look(interaction, services, job_id)
    words = words_of(interaction, services.catalogue)
    items = [label(words("modal.animate"), paragraph("prompt"), words("modal.animate_hint"))]
    numbers = () if seen is None else numbers_of(seen.job)
    if len(numbers) > 1:
        options = [
            discord.SelectOption(
                label=words("modal.picture_number", number=number), value=str(number), default=number == numbers[0]
            )
            for number in numbers[:SELECT_OPTIONS]
        ]
        items.append(label(words("modal.which_picture"), discord.ui.Select[Any](custom_id="number", options=options)))
    kind = PRIVATE if _is_private(interaction) else PUBLIC
    await open_modal(interaction, modal_id(ANIMATE, f"{job_id}:{kind}"), words("modal.animate_title"), items)


async def animated(interaction: Interaction, services: Services, rest: str, values: dict[str, Any]) -> None:
    """Ask for the clip that begins with the picture: the first one where none was chosen."""
    job_id, kind = _parts(rest, 2)
    is_private = kind == PRIVATE
    _check(interaction, services, is_private=is_private)
    chosen = next(iter(values.get("number") or ()), "")
    number = int(chosen) if chosen.isdecimal() else None
    message_id = await defer(interaction, private=is_private)
    who = requester(interaction, services, message_id=message_id)
    prompt = str(values.get("prompt") or "")
    job = await services.rerun.animate(who, job_id, number, prompt, private=is_private)
    await show_accepted(interaction, services, job)


async def share(interaction: Interaction, services: Services, job_id: str) -> None:
    """Post a private clip to its channel."""
    await defer(interaction, private=True)
    posted = await services.sharing.share(job_id, user_id=interaction.user.id, guild_id=interaction.guild_id)
    words = words_of(interaction, services.catalogue)
    await tell(interaction, words("answer.shared", channel=f"<#{posted.channel_id}>"))


def _parts(rest: str, count: int) -> list[str]:
    """Cut what a form carries.

    Raises:
        Refused: `form_unreadable`, it is from another version.
    """
    parts = rest.split(":")
    if len(parts) != count:
        raise Refused("form_unreadable")
    return parts


def _check(interaction: Interaction, services: Services, *, is_private: bool | None = None) -> None:
    """Refuse what the press alone shows to be wrong: outside a server, or where the clip could not be posted.

    Raises:
        Refused: `guild_only` or `bot_permissions`.
    """
    requester(interaction, services, message_id=None)
    if not (_is_private(interaction) if is_private is None else is_private):
        check_place(interaction, words_of(interaction, services.catalogue))


async def _look(interaction: Interaction, services: Services, job_id: str) -> RerunView | None:
    """Read the earlier job, None where that takes too long.

    Raises:
        Refused: this person may not repeat it.
    """
    if interaction.guild_id is None:
        raise Refused("guild_only")
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            return await services.rerun.view(job_id, viewer_id=interaction.user.id, guild_id=interaction.guild_id)
    except TimeoutError:
        return None


def _is_private(interaction: Interaction) -> bool:
    """Whether the button is on a message that only one person sees."""
    message = interaction.message
    return message is not None and message.flags.ephemeral
