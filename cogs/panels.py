"""Buttons, panels and modals that work after a restart: their handlers are found by the custom id alone.

A job's button has the id `sb1:<action>:<job>`, a panel's button or select `sb2:<feature>:<rest>`, a modal
`sb3:<feature>:<rest>`; the rest is the feature's own (at most 80 characters). A feature registers its handlers.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import discord

from bot.discord.client import BotClient
from bot.discord.custom_ids import PATTERN, Action
from bot.discord.typed import clean
from cogs._replies import Interaction, tell, words_of
from cogs.errors import answer_errors
from cogs.outcomes import tell_outcomes
from cogs.services import Services

ActionHandler = Callable[[Interaction, Services, str], Awaitable[None]]
PanelHandler = Callable[[Interaction, str, list[str]], Awaitable[None]]
ModalHandler = Callable[[Interaction, str, dict[str, Any]], Awaitable[None]]

#: A modal cannot follow a defer: before it there is one read of at most this long (contract, Acknowledgement).
LOOK_TIMEOUT_S = 0.3
REST_CHARS = 80
TITLE_CHARS = 45
LABEL = 18  # component types that only hold others (components/reference)
FILE_UPLOAD = 19
CHANNEL_SELECT = 8
THREADS = {10, 11, 12}  # channel types (resources/channel)
_PANEL = re.compile(rf"sb2:(?P<feature>[a-z]+):(?P<rest>[ -~]{{0,{REST_CHARS}}})")
_MODAL = re.compile(rf"sb3:(?P<feature>[a-z]+):(?P<rest>[ -~]{{0,{REST_CHARS}}})")
_FEATURE = re.compile(r"[a-z]{1,10}")
_JOB_BUTTON = re.compile(PATTERN)


@dataclass(slots=True)
class _Routes:
    actions: dict[str, ActionHandler] = field(default_factory=dict)
    panels: dict[str, PanelHandler] = field(default_factory=dict)
    modals: dict[str, ModalHandler] = field(default_factory=dict)


_routes: WeakKeyDictionary[discord.Client, _Routes] = WeakKeyDictionary()


def register_action(client: BotClient, action: Action, handler: ActionHandler) -> None:
    """Send presses on `sb1:<action>:<job>` to `handler(interaction, services, job_id)`."""
    _routes_of(client).actions[action.value] = handler


def action_handler(client: discord.Client, action: str) -> ActionHandler | None:
    """Return what answers an action, None where nothing does."""
    return _routes_of(client).actions.get(action)


def register_panel(client: BotClient, feature: str, handler: PanelHandler) -> None:
    """Send presses and choices on `sb2:<feature>:<rest>` to `handler(interaction, rest, values)`.

    `values` is empty for a button. What the handler raises is answered as a command's errors are.
    """
    _routes_of(client).panels[_checked(feature)] = handler


def register_modal(client: BotClient, feature: str, handler: ModalHandler) -> None:
    """Send modals `sb3:<feature>:<rest>` to `handler(interaction, rest, values)`.

    `values` has each field by its custom id: a text, True or False, a list of chosen values (ids as text), or for a
    file upload a list of `discord.Attachment`.
    """
    _routes_of(client).modals[_checked(feature)] = handler


def panel_id(feature: str, rest: str = "") -> str:
    """Return the custom id of a panel's button or select."""
    return f"sb2:{_checked(feature)}:{_checked_rest(rest)}"


def modal_id(feature: str, rest: str = "") -> str:
    """Return a modal's custom id."""
    return f"sb3:{_checked(feature)}:{_checked_rest(rest)}"


async def open_modal(
    interaction: Interaction, custom_id: str, title: str, items: Sequence[discord.ui.Item[Any]]
) -> None:
    """Open a modal of one to five items; a modal must be the first answer to its interaction.

    It is stopped before it is sent, so that discord.py does not keep it: its answer is found by the custom id.
    """
    modal = discord.ui.Modal(title=title[:TITLE_CHARS], custom_id=custom_id)
    for item in items:
        modal.add_item(item)
    modal.stop()
    await interaction.response.send_modal(modal)


class Panels:
    """Finds the handler of each press and each submitted modal."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Listen to interactions; slash commands, menus and the buttons of jobs go their own ways."""

        async def on_interaction(interaction: Interaction) -> None:
            if interaction.type is discord.InteractionType.component:
                await self._pressed(interaction)
            elif interaction.type is discord.InteractionType.modal_submit:
                await self._submitted(interaction)

        client.event(on_interaction)

    async def _pressed(self, interaction: Interaction) -> None:
        data = _data(interaction)
        custom_id = str(data.get("custom_id", ""))
        if not custom_id.startswith("sb") or _JOB_BUTTON.fullmatch(custom_id):
            return
        async with answer_errors(interaction, self._services.catalogue):
            found = _PANEL.fullmatch(custom_id)
            handler = _routes_of(interaction.client).panels.get(found["feature"]) if found else None
            if found is None or handler is None:
                await self._expired(interaction)
                return
            await handler(interaction, found["rest"], [str(value) for value in data.get("values") or ()])
            await self._after(interaction)

    async def _submitted(self, interaction: Interaction) -> None:
        data = _data(interaction)
        custom_id = str(data.get("custom_id", ""))
        if not custom_id.startswith("sb"):
            return
        async with answer_errors(interaction, self._services.catalogue):
            found = _MODAL.fullmatch(custom_id)
            handler = _routes_of(interaction.client).modals.get(found["feature"]) if found else None
            if found is None or handler is None:
                await self._expired(interaction)
                return
            await handler(interaction, found["rest"], _values(interaction, data))
            await self._after(interaction)

    async def _expired(self, interaction: Interaction) -> None:
        await tell(interaction, words_of(interaction, self._services.catalogue)("error.button_expired"))

    async def _after(self, interaction: Interaction) -> None:
        """Tell outcomes that wait for the member, unless a modal was opened, which takes no follow-up."""
        if interaction.response.is_done() and interaction.response.type is not discord.InteractionResponseType.modal:
            await tell_outcomes(interaction, self._services)


def _values(interaction: Interaction, data: dict[str, Any]) -> dict[str, Any]:
    """Read the fields of a submitted modal, whatever holds them. A chosen thread counts as its parent."""
    resolved = data.get("resolved") or {}
    files, channels = resolved.get("attachments") or {}, resolved.get("channels") or {}
    values: dict[str, Any] = {}
    waiting = list(data.get("components") or ())
    while waiting:
        node = waiting.pop()
        if node.get("type") == LABEL and node.get("component"):
            waiting.append(node["component"])
        waiting += node.get("components") or ()
        custom_id = node.get("custom_id")
        if custom_id is None:
            continue
        if node.get("type") == FILE_UPLOAD:
            chosen = [files[str(one)] for one in node.get("values") or () if str(one) in files]
            values[custom_id] = [discord.Attachment(data=one, state=interaction._state) for one in chosen]
        elif node.get("type") == CHANNEL_SELECT:
            values[custom_id] = [_place(channels, str(one)) for one in node.get("values") or ()]
        elif "values" in node:
            values[custom_id] = [str(one) for one in node["values"] or ()]
        else:
            values[custom_id] = node.get("value")
    return values


def _place(channels: dict[str, Any], channel_id: str) -> str:
    """Return the id of the channel that a chosen one counts as."""
    chosen = channels.get(channel_id) or {}
    is_thread = chosen.get("type") in THREADS
    return str(chosen.get("parent_id") or channel_id) if is_thread else channel_id


def _data(interaction: Interaction) -> dict[str, Any]:
    return dict(clean(interaction.data or {}))


def _routes_of(client: discord.Client) -> _Routes:
    return _routes.setdefault(client, _Routes())


def _checked(feature: str) -> str:
    if not _FEATURE.fullmatch(feature):
        raise ValueError(f"a feature's name is one to ten small letters, not {feature!r}")
    return feature


def _checked_rest(rest: str) -> str:
    if len(rest) > REST_CHARS or not rest.isascii() or not rest.isprintable():
        raise ValueError("the rest of a custom id is at most 80 printable ASCII characters")
    return rest
