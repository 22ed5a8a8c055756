"""`/settings`: one private panel with every value, a select of its sections, and a modal for each.

Whoever Discord lets use the command gets the panel. Its select, its buttons and its modals ask again: Manage Server, or
a role named in the settings. Somebody who has neither, but whom the server's admins gave the command, gets a leave of
15 minutes that stands in the panel's ids (only they can see the panel, and Discord takes no ids that it does not have).

A modal cannot wait: where the settings are not read in time it opens empty, and then only what is filled in changes.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import discord

from bot.discord.client import BotClient
from bot.discord.sentences import refusal
from bot.discord.words import Words, date
from bot.domain.errors import Refused
from bot.services.moderation import GuildSettings
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import guild_id_of, is_moderator, role_ids
from cogs._moderators import check_role_below, may_moderate
from cogs._replies import Interaction, defer, mark_filled, words_of
from cogs.panels import modal_id, open_modal, panel_id, register_modal, register_panel
from cogs.services import Services
from cogs.settings_drafts import Drafts
from cogs.settings_fields import FormValue, Surroundings
from cogs.settings_form import Form, check_log_channel, field_of
from cogs.settings_panel import FEATURE, panel_embed, panel_view, stopped
from cogs.settings_sections import SECTIONS

READ_TIMEOUT_S = 0.3
LEAVE_S = 900
MESSAGE_CHARS = 2000
DESCRIPTION_CHARS = 4096
_REST = re.compile(r"(?P<what>[a-z]+)(?::(?P<section>[a-z]+):(?P<token>[0-9a-f]+))?(?P<leave>~\d+\.\d+)?")


class Settings:
    """Shows the settings and changes them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._drafts = Drafts()

    def register(self, client: BotClient) -> None:
        """Add the command, and answer the panel's select, buttons and modals."""
        labels = Labels(self._services.catalogue)
        command = labels.command("settings", self.run, contexts=IN_GUILDS)
        command.default_permissions = discord.Permissions(manage_guild=True)
        client.tree.add_command(command)
        register_panel(client, FEATURE, self.pressed)
        register_modal(client, FEATURE, self.submitted)

    async def run(self, interaction: Interaction) -> None:
        """Show the panel, privately."""
        guild_id = guild_id_of(interaction)
        await defer(interaction, private=True)
        words = self._words(interaction)
        settings = await self._services.moderation.settings(guild_id)
        leave = "" if await may_moderate(interaction, self._services) else self._new_leave(interaction)
        await interaction.edit_original_response(
            embed=panel_embed(settings, words), view=panel_view(words, leave), allowed_mentions=_no_mentions()
        )
        mark_filled(interaction)

    async def pressed(self, interaction: Interaction, rest: str, values: list[str]) -> None:
        """Open a section's modal: the one chosen, or again the one whose values were refused."""
        found = _REST.fullmatch(rest)
        what, leave = (found["what"], found["leave"] or "") if found else ("", "")
        section = found["section"] if found and what == "again" else next(iter(values), "")
        if found is None or section not in SECTIONS:
            await interaction.response.defer()
            return
        typed = self._drafts.find(found["token"] or "")
        await self._open(interaction, section, typed, leave)

    async def submitted(self, interaction: Interaction, rest: str, values: Mapping[str, Any]) -> None:
        """Change what was changed in the modal, all of it or nothing, and show the panel anew."""
        guild_id = guild_id_of(interaction)
        found = _REST.fullmatch(rest)
        section, leave = (found["what"], found["leave"] or "") if found else ("", "")
        if section not in SECTIONS:
            raise Refused("settings_gone")
        await interaction.response.defer()
        if not (self._has_leave(interaction, leave) or await may_moderate(interaction, self._services)):
            raise Refused("not_moderator")
        form = Form(section, values, self._services.catalogue)
        problems = form.problems + self._problems(interaction, form.changes)
        problems += await self._role_problems(interaction, form.changes)
        if not problems:
            try:
                settings = await self._services.moderation.change(
                    guild_id, interaction.user.id, form.changes, seen=form.seen
                )
            except Refused as error:
                problems = [(str(error.params.get("setting", "")), error)]
            else:
                await self._show_changed(interaction, settings, form, leave)
                return
        await self._show_problems(interaction, form, problems, leave)

    async def _open(self, interaction: Interaction, section: str, typed: Mapping[str, FormValue], leave: str) -> None:
        settings = await self._read_soon(guild_id_of(interaction))
        self._check_opener(interaction, settings, leave)
        words, around = self._words(interaction), self._around(interaction)
        items = [field.component(settings, words, around, typed.get(field.name)) for field in SECTIONS[section]]
        name = words(f"settings.section.{section}")
        title = name if settings is not None else words("settings.unfilled", section=name)
        await open_modal(interaction, modal_id(FEATURE, section + leave), title, items)

    async def _read_soon(self, guild_id: int) -> GuildSettings | None:
        """Read the settings, None where that takes longer than a modal may wait."""
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await self._services.moderation.settings(guild_id)
        except TimeoutError:
            return None

    def _check_opener(self, interaction: Interaction, settings: GuildSettings | None, leave: str) -> None:
        """Check with the settings at hand, because opening a modal has no time for a second read."""
        roles = frozenset() if settings is None else settings.rules.moderator_roles
        is_named = not roles.isdisjoint(role_ids(interaction.user))
        if not (is_moderator(interaction) or is_named or self._has_leave(interaction, leave)):
            raise Refused("not_moderator" if settings is not None else "settings_late")

    def _problems(self, interaction: Interaction, changes: Mapping[str, Any]) -> list[tuple[str, Refused]]:
        found = self._services.moderation.problems(changes)
        channel_id = changes.get("log_channel_id")
        if channel_id is not None:
            try:
                check_log_channel(interaction, channel_id, self._words(interaction))
            except Refused as error:
                found.append(("log_channel_id", error))
        if any(_is_category(interaction, one) for one in changes.get("channels") or ()):
            found.append(("channels", Refused("quota_category")))
        return found

    async def _role_problems(self, interaction: Interaction, changes: Mapping[str, Any]) -> list[tuple[str, Refused]]:
        """Return which roles stand too high to become moderators' roles; those that are it already stay. One read."""
        wanted = changes.get("moderator_roles", frozenset())
        if not wanted:
            return []
        known = (await self._services.moderation.rules(guild_id_of(interaction))).moderator_roles
        found: list[tuple[str, Refused]] = []
        for role_id in sorted(wanted - known):
            try:
                check_role_below(interaction.guild, role_id)
            except Refused as error:
                found.append(("moderator_roles", error))
        return found

    async def _show_changed(self, interaction: Interaction, settings: GuildSettings, form: Form, leave: str) -> None:
        words = self._words(interaction)
        labels = ", ".join(words(f"settings.label.{name}") for name in form.fields)
        content = words("settings.changed", settings=labels) if labels else words("settings.unchanged")
        if {"period", "zone", "week_start"} & form.changes.keys():
            when = settings.waiting_at
            content += " " + (words("settings.no_wait") if when is None else words("settings.waits", when=date(when)))
        await interaction.edit_original_response(
            content=content,
            embed=panel_embed(settings, words),
            view=panel_view(words, leave),
            allowed_mentions=_no_mentions(),
        )

    async def _show_problems(
        self, interaction: Interaction, form: Form, problems: list[tuple[str, Refused]], leave: str
    ) -> None:
        """Say what is wrong and give back what was typed; nothing has been changed."""
        words = self._words(interaction)
        lines = [words("settings.refused")]
        for name, error in problems:
            sentence = refusal(error, words, reference="")
            label = words.catalogue.find(f"settings.label.{field_of(form.section, name)}", words.locale)
            lines.append(f"- **{label}**: {sentence}" if label else f"- {sentence}")
        typed = [
            f"{words(f'settings.label.{name}')}:\n```\n{value.replace('`', 'ˋ')}\n```"
            for name, value in form.typed.items()
            if isinstance(value, str) and value
        ]
        token = self._drafts.keep(form.typed)
        again = discord.ui.Button[Any](
            label=words("settings.again"), custom_id=panel_id(FEATURE, f"again:{form.section}:{token}{leave}")
        )
        await interaction.followup.send(
            "\n".join(lines)[:MESSAGE_CHARS],
            embeds=[discord.Embed(description="\n".join(typed)[:DESCRIPTION_CHARS])] if typed else [],
            view=stopped(again),
            ephemeral=True,
            allowed_mentions=_no_mentions(),
        )

    def _new_leave(self, interaction: Interaction) -> str:
        until = int(self._services.clock.now().timestamp()) + LEAVE_S
        return f"~{interaction.user.id}.{until}"

    def _has_leave(self, interaction: Interaction, leave: str) -> bool:
        user_id, _, until = leave.removeprefix("~").partition(".")
        now = self._services.clock.now().timestamp()
        return bool(leave) and int(user_id) == interaction.user.id and now < int(until)

    def _around(self, interaction: Interaction) -> Surroundings:
        guild = interaction.guild
        return Surroundings(
            models=self._services.moderation.models,
            languages=tuple(sorted(self._services.catalogue.languages)),
            channel_ids=frozenset() if guild is None else frozenset(one.id for one in guild.channels),
            role_ids=frozenset() if guild is None else frozenset(one.id for one in guild.roles),
        )

    def _words(self, interaction: Interaction) -> Words:
        return words_of(interaction, self._services.catalogue)


def _is_category(interaction: Interaction, channel_id: int) -> bool:
    guild = interaction.guild
    return guild is not None and isinstance(guild.get_channel(channel_id), discord.CategoryChannel)


def _no_mentions() -> discord.AllowedMentions:
    return discord.AllowedMentions.none()
