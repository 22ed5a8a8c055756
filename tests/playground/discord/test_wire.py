"""What a discord.py client sees of the simulated Discord: login, commands, replies, files."""

from __future__ import annotations

import asyncio
import io
import zlib
from typing import Any

import aiohttp
import discord
import orjson
import pytest
import zstandard

from playground.discord import ClientRefusal, VirtualDiscord

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\x68\x08\x02\x00\x00\x00" + bytes(64)
EPHEMERAL = 1 << 6
LOADING = 1 << 7


async def test_client_logs_in_and_sees_the_guild(wire: VirtualDiscord, bot: Any) -> None:
    """READY and GUILD_CREATE carry what discord.py needs."""
    guild = bot.get_guild(wire.guild_id)

    assert bot.application_id == wire.application_id
    seen = {channel.name for channel in guild.text_channels if channel.permissions_for(guild.me).view_channel}
    assert seen == {"video-lab", "general", "after-dark", "no-posting"}
    assert guild.me.guild_permissions.attach_files
    assert guild.owner_id == wire.people["owner"].id
    assert (await bot.application_info()).owner.id == wire.people["owner"].id
    assert wire.connected


async def test_wrong_token_is_refused(wire: VirtualDiscord) -> None:
    """A bad token fails at login, as on Discord."""
    client = discord.Client(intents=discord.Intents.none())

    with pytest.raises(discord.LoginFailure):
        await client.login("MTIz.abc.def")
    await client.close()


async def test_commands_are_offered_by_permission(wire: VirtualDiscord, bot: Any) -> None:
    """A command that needs Manage Server is offered to the moderator and the owner only."""
    offered = {key: {item["name"] for item in wire.commands(key, "general")} for key in wire.people}

    assert "quota" not in offered["ann"]
    assert "quota" in offered["mo"]
    assert "quota" in offered["owner"]
    assert all(item["id"] and item["version"] for item in wire.commands("mo", "general"))


async def test_a_person_who_joins_can_act_at_once(wire: VirtualDiscord, bot: Any) -> None:
    """A new member uses a command, and the bot is told who did."""

    async def greet(interaction: discord.Interaction, **options: Any) -> int:
        await interaction.response.send_message("hello")
        return interaction.user.id

    bot.body = greet
    cleo = wire.add_person("cleo", "Cleo")
    outcome = await wire.slash("cleo", "general", "act")

    assert outcome.acknowledged
    assert await bot.outcome() == cleo.id
    with pytest.raises(ValueError, match="cleo"):
        wire.add_person("cleo", "Another Cleo")


async def test_sync_keeps_ids_of_unchanged_commands(wire: VirtualDiscord, bot: Any) -> None:
    """A second bulk overwrite leaves id and version as they were."""
    before = {item["name"]: (item["id"], item["version"]) for item in wire.commands("mo", "general")}
    await bot.tree.sync()

    assert {item["name"]: (item["id"], item["version"]) for item in wire.commands("mo", "general")} == before


async def test_slash_with_options_and_attachment(wire: VirtualDiscord, bot: Any) -> None:
    """Options arrive typed, the file's bytes can be read, and locale and limits come along."""
    wire.settings.locales[wire.people["ann"].id] = "nl"
    wire.settings.guild_locale = "ja"

    async def body(interaction: discord.Interaction, file: discord.Attachment, **options: Any) -> Any:
        await interaction.response.send_message("got it")
        return options["text"], options["number"], file, await file.read(), interaction

    bot.body = body
    outcome = await wire.slash(
        "ann",
        "video-lab",
        "act",
        {"text": "a cat", "number": 7, "who": wire.people["ben"].id},
        {"file": ("a.png", PNG)},
    )
    text, number, file, data, interaction = await bot.outcome()

    assert (outcome.acknowledged, outcome.kind) == (True, "message")
    assert outcome.latency_s < 1
    assert (text, number, data) == ("a cat", 7, PNG)
    assert (file.filename, file.size, file.content_type, file.width, file.height) == (
        "a.png",
        len(PNG),
        "image/png",
        640,
        360,
    )
    assert file.ephemeral
    assert interaction.locale is discord.Locale.dutch
    assert interaction.guild_locale is discord.Locale.japanese
    assert interaction.filesize_limit == 10 * 1024 * 1024
    assert interaction.is_guild_integration()
    assert interaction.user.id == wire.people["ann"].id
    assert interaction.app_permissions.attach_files


@pytest.mark.parametrize(
    "options", [{"text": "ab"}, {"text": "x" * 21}, {"number": 3}, {"number": True}, {"size": "xl"}, {"nothing": 1}]
)
async def test_app_refuses_options_out_of_range(wire: VirtualDiscord, bot: Any, options: dict[str, Any]) -> None:
    """What Discord's own form would not send does not reach the bot."""
    with pytest.raises(ClientRefusal):
        await wire.slash("ann", "general", "act", options)


async def test_unchecked_options_reach_the_bot(wire: VirtualDiscord, bot: Any) -> None:
    """With the app's checks off, the bot's own checks can be tried."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer()

    bot.tree.on_error = body
    outcome = await wire.slash("ann", "general", "act", {"text": "ab"}, checked=False)

    assert outcome.acknowledged


async def test_deferred_reply_is_edited_with_a_file(wire: VirtualDiscord, bot: Any) -> None:
    """A defer shows a loading message; the edit fills it, and the file can be fetched by its link."""
    gate = asyncio.Event()

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer(thinking=True)
        await gate.wait()
        file = discord.File(io.BytesIO(PNG), "my clip.png", description="alt")
        return await interaction.edit_original_response(content="done", attachments=[file])

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")
    thinking = wire.messages("general", "ben")[-1]
    gate.set()
    edited = await bot.outcome()

    assert outcome.kind == "defer"
    assert thinking["flags"] & LOADING
    shown = wire.messages("general", "ben")[-1]
    assert outcome.message == shown
    assert (shown["content"], shown["flags"] & LOADING) == ("done", 0)
    assert (shown["attachments"][0]["filename"], shown["attachments"][0]["description"]) == ("my_clip.png", "alt")
    assert await edited.attachments[0].read() == PNG


async def test_first_follow_up_fills_the_deferred_reply(wire: VirtualDiscord, bot: Any) -> None:
    """It stays private as deferred, whatever the follow-up's own flag; the second one is a new message."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer(ephemeral=True, thinking=True)
        first = await interaction.followup.send("first", ephemeral=False, wait=True)
        second = await interaction.followup.send("second", wait=True)
        return first.id, second.id

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")
    first, second = await bot.outcome()

    assert outcome.message is not None
    assert int(outcome.message["id"]) == first
    assert [item["content"] for item in wire.messages("general", "ann")] == ["first", "second"]
    assert [item["content"] for item in wire.messages("general", "ben")] == ["second"]
    assert [int(item["id"]) for item in outcome.follow_ups] == [second]


async def test_ephemeral_reply_is_seen_by_its_reader_only(wire: VirtualDiscord, bot: Any) -> None:
    """Not by others, and not through the bot's own token."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("psst", ephemeral=True)
        original = await interaction.original_response()
        history = [item async for item in interaction.channel.history()]  # type: ignore[union-attr]
        try:
            await interaction.channel.fetch_message(original.id)  # type: ignore[union-attr]
        except discord.NotFound as error:
            return history, error.code

    bot.body = body
    await wire.slash("ann", "general", "act")
    history, code = await bot.outcome()

    assert (history, code) == ([], 10008)
    assert [item["flags"] for item in wire.messages("general", "ann")] == [EPHEMERAL]
    assert wire.messages("general", "mo") == []


async def test_original_reply_can_be_deleted(wire: VirtualDiscord, bot: Any) -> None:
    """A public placeholder goes away and a private answer follows."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer(thinking=True)
        await interaction.delete_original_response()
        await interaction.followup.send("refused", ephemeral=True)

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")
    await bot.outcome()

    assert outcome.message is None
    assert [item["content"] for item in wire.messages("general", "ann")] == ["refused"]
    assert wire.messages("general", "ben") == []


async def test_button_press_reaches_the_bot_and_updates_the_message(wire: VirtualDiscord, bot: Any) -> None:
    """A press carries message and custom id; the update changes the pressed message for everyone."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="Cancel", custom_id="cancel:1"))
        await interaction.response.send_message("job", view=view)

    async def on_interaction(interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.edit_message(content=f"pressed by {interaction.user.name}", view=None)

    bot.body = body
    bot.event(on_interaction)
    outcome = await wire.slash("ann", "general", "act")
    assert outcome.message is not None
    pressed = await wire.click("ben", int(outcome.message["id"]), "cancel:1")

    assert (pressed.acknowledged, pressed.kind) == (True, "update")
    assert outcome.message["content"] == "pressed by ben"
    assert outcome.message["components"] == []
    with pytest.raises(ClientRefusal):
        await wire.click("ben", int(outcome.message["id"]), "cancel:1")


async def test_components_v2_show_an_attached_video(wire: VirtualDiscord, bot: Any) -> None:
    """A layout with a media gallery links to the attachment."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        view = discord.ui.LayoutView(timeout=None)
        gallery: discord.ui.MediaGallery[Any] = discord.ui.MediaGallery()
        gallery.add_item(media="attachment://clip.mp4")
        view.add_item(discord.ui.Container(discord.ui.TextDisplay("a cat"), gallery))
        await interaction.response.send_message(view=view, file=discord.File(io.BytesIO(b"mp4"), "clip.mp4"))

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")
    await bot.outcome()

    assert outcome.message is not None
    media = outcome.message["components"][0]["components"][1]["items"][0]["media"]
    assert media["url"].startswith(f"{wire.origin}/cdn/attachments/")
    assert media["content_type"] == "video/mp4"


async def test_cdn_serves_ranges_and_refuses_forged_links(wire: VirtualDiscord, bot: Any) -> None:
    """GET, ranges and expiry behave like Discord's CDN."""
    channel = bot.get_channel(wire.channels["general"].id)
    data = bytes(range(256)) * 4
    message = await channel.send(file=discord.File(io.BytesIO(data), "clip.mp4"))
    url = message.attachments[0].url

    async with aiohttp.ClientSession() as session:
        whole = await session.get(url)
        part = await session.get(url, headers={"Range": "bytes=100-199"})
        forged = await session.get(url.replace("hm=", "hm=0"))
        assert (whole.status, await whole.read()) == (200, data)
        assert (part.status, await part.read()) == (206, data[100:200])
        assert part.headers["Content-Range"] == "bytes 100-199/1024"
        assert forged.status == 404


async def test_autocomplete_and_subcommand(wire: VirtualDiscord, bot: Any) -> None:
    """Suggestions come back; subcommands are reached by their path."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer(ephemeral=True)
        return options["text"]

    bot.body = body
    suggestions = await wire.autocomplete("ann", "general", "act", "text", "ca")
    await wire.slash("mo", "general", "quota set", {"credits": "unlimited"})

    assert suggestions == [{"name": "ca!", "value": "ca-value"}]
    assert await bot.outcome() == "unlimited"
    with pytest.raises(ClientRefusal):
        await wire.slash("ann", "general", "quota set", {"credits": "1"})


async def test_message_menu_and_modal(wire: VirtualDiscord, bot: Any) -> None:
    """A context menu opens a modal; its values arrive."""
    values: list[str] = []

    class Form(discord.ui.Modal, title="Report"):
        reason: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Why", custom_id="reason")

        async def on_submit(self, interaction: discord.Interaction) -> None:
            values.append(self.reason.value)
            await interaction.response.send_message("thanks", ephemeral=True)

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_modal(Form())

    bot.body = body
    said = wire.say("ben", "general", "look at this")
    opened = await wire.context_menu("ann", "general", "Report clip", int(said["id"]))
    sent = await wire.submit_modal("ann", opened.interaction_id, {"reason": "too loud"})

    assert opened.kind == "modal"
    assert sent.message is not None
    assert (values, sent.message["content"]) == (["too loud"], "thanks")


async def test_command_in_direct_messages(wire: VirtualDiscord, bot: Any) -> None:
    """Guild-only commands are not offered there; others arrive without a guild."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("only us")
        return interaction.guild_id, interaction.context.dm_channel

    bot.body = body
    place = wire.direct_channel("ann")
    await wire.slash("ann", place, "act")

    assert await bot.outcome() == (None, True)
    assert {item["name"] for item in wire.commands("mo", wire.direct_channel("mo"))} == {"act", "Report clip"}
    assert [item["content"] for item in wire.direct_messages("ann")] == ["only us"]
    with pytest.raises(ClientRefusal):
        await wire.slash("ben", place, "act")


async def test_direct_messages(wire: VirtualDiscord, bot: Any) -> None:
    """The bot can write to a person, unless that person closed direct messages (50007)."""
    ann = await bot.fetch_user(wire.people["ann"].id)
    await ann.send("your clip")
    wire.settings.dm_closed.add(ann.id)

    with pytest.raises(discord.Forbidden) as refused:
        await ann.send("again")

    assert refused.value.code == 50007
    assert [item["content"] for item in wire.direct_messages("ann")] == ["your clip"]
    assert wire.direct_messages("ben") == []


async def test_gateway_drop_is_resumed_without_loss(wire: VirtualDiscord, bot: Any) -> None:
    """Events during the gap are replayed to the same session."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer(ephemeral=True)
        return options["text"]

    bot.body = body
    await wire.drop_gateway()
    outcome = await wire.slash("ann", "general", "act", {"text": "in the gap"})

    assert outcome.acknowledged
    assert await bot.outcome() == "in the gap"
    assert wire.gateway_sessions == (1, 1)


async def test_lost_session_is_identified_anew(wire: VirtualDiscord, bot: Any) -> None:
    """A refused resume leads to a new IDENTIFY, after which commands arrive again."""
    await wire.drop_gateway(resumable=False)
    await wire.wait_for(lambda: wire.gateway_sessions == (2, 0), 10)
    outcome = await wire.slash("ann", "general", "act")

    assert outcome.acknowledged


@pytest.mark.parametrize("compress", ["zlib-stream", "zstd-stream", ""])
async def test_gateway_honours_the_compression_asked_for(wire: VirtualDiscord, compress: str) -> None:
    """HELLO and the heartbeat's ACK are readable in every transport compression."""
    unpack: dict[str, Any] = {
        "zlib-stream": zlib.decompressobj().decompress,
        "zstd-stream": zstandard.ZstdDecompressor().decompressobj().decompress,
        "": lambda data: data,
    }
    url = f"{wire.origin}/gateway/?v=10&encoding=json&compress={compress}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        hello = orjson.loads(unpack[compress]((await socket.receive()).data))
        await socket.send_json({"op": 1, "d": None})
        ack = orjson.loads(unpack[compress]((await socket.receive()).data))

    assert (hello["op"], hello["d"]["heartbeat_interval"] > 0, ack["op"]) == (10, True, 11)
