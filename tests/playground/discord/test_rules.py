"""Discord's rules that a bot trips over: nonce, limits, lifetimes, permissions, faults."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import VirtualDiscord

MIB = 1024 * 1024


def general(wire: VirtualDiscord) -> int:
    """The id of #general."""
    return wire.channels["general"].id


async def post(http: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, Any]:
    """POST a JSON body; the status and the answer."""
    async with http.post(path, json=body) as response:
        return response.status, await response.json()


async def test_same_nonce_gives_the_old_message(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """Enforced nonces are unique per author, in whatever channel, and even when the message was deleted."""
    body = {"content": "clip", "nonce": "job1:1:0", "enforce_nonce": True}
    _, first = await post(http, f"channels/{general(wire)}/messages", body)
    _, again = await post(http, f"channels/{wire.channels['video-lab'].id}/messages", body)
    wire.delete_message(int(first["id"]))
    _, deleted = await post(http, f"channels/{general(wire)}/messages", body)
    _, free = await post(http, f"channels/{general(wire)}/messages", {**body, "enforce_nonce": False})

    assert first["nonce"] == "job1:1:0"
    assert again["id"] == deleted["id"] == first["id"]
    assert free["id"] != first["id"]


async def test_nonce_is_forgotten_after_its_minutes(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """Later the same nonce makes a second message, so nothing may rely on it for ever."""
    wire.settings.nonce_memory_s = 0
    body = {"content": "clip", "nonce": "n", "enforce_nonce": True}
    _, first = await post(http, f"channels/{general(wire)}/messages", body)
    _, second = await post(http, f"channels/{general(wire)}/messages", body)

    assert first["id"] != second["id"]


async def test_nonce_over_25_characters_is_refused(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """50035 names the field."""
    status, answer = await post(http, f"channels/{general(wire)}/messages", {"content": "x", "nonce": "n" * 26})

    assert (status, answer["code"]) == (400, 50035)
    assert "nonce" in answer["errors"]


async def test_file_over_the_limit_is_413(wire: VirtualDiscord, bot: Any) -> None:
    """Per file, for messages and for interaction replies alike."""
    wire.settings.upload_limit_bytes = 1000
    channel = bot.get_channel(general(wire))

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer()
        await interaction.edit_original_response(attachments=[discord.File(io.BytesIO(bytes(1001)), "a.mp4")])

    with pytest.raises(discord.HTTPException) as refused:
        await channel.send(file=discord.File(io.BytesIO(bytes(1001)), "a.mp4"))
    bot.body = body
    await wire.slash("ann", "general", "act")
    reply = await bot.outcome()
    await channel.send(files=[discord.File(io.BytesIO(bytes(1000)), name) for name in ("a.mp4", "b.mp4")])

    assert (refused.value.status, refused.value.code) == (413, 40005)
    assert (reply.status, reply.code) == (413, 40005)
    assert [len(item["attachments"]) for item in wire.messages("general", "ann")] == [0, 2]


async def test_request_over_25_mib_is_413(wire: VirtualDiscord, bot: Any) -> None:
    """Even where each file alone would fit."""
    wire.settings.upload_limit_bytes = 50 * MIB
    channel = bot.get_channel(general(wire))

    with pytest.raises(discord.HTTPException) as refused:
        await channel.send(file=discord.File(io.BytesIO(bytes(26 * MIB)), "a.mp4"))

    assert (refused.value.status, refused.value.code) == (413, 40005)


async def test_token_dies_after_its_lifetime(wire: VirtualDiscord, bot: Any) -> None:
    """401 / 50027 for edits and follow-ups alike."""
    wire.settings.token_lifetime_s = 0.2

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer()
        await asyncio.sleep(0.25)
        await interaction.edit_original_response(content="too late")

    bot.body = body
    await wire.slash("ann", "general", "act")
    error = await bot.outcome()

    assert (error.status, error.code) == (401, 50027)


async def test_answer_after_the_deadline_is_unknown(wire: VirtualDiscord, bot: Any) -> None:
    """404 / 10062, and the person has seen no acknowledgement; follow-ups are refused too."""
    wire.settings.answer_deadline_s = 0.1

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await asyncio.sleep(0.15)
        try:
            await interaction.followup.send("hello?")
        except discord.NotFound as error:
            assert error.code == 10015
        await interaction.response.defer()

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")
    error = await bot.outcome()

    assert not outcome.acknowledged
    assert (error.status, error.code) == (404, 10062)


async def test_second_first_answer_is_refused(wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession) -> None:
    """400 / 40060."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer()
        return await post(http, f"interactions/{interaction.id}/{interaction.token}/callback", {"type": 5})

    bot.body = body
    await wire.slash("ann", "general", "act")
    status, answer = await bot.outcome()

    assert (status, answer["code"]) == (400, 40060)


async def test_refused_callback_does_not_use_up_the_answer(
    wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession
) -> None:
    """After a 50035 a good answer still counts."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        path = f"interactions/{interaction.id}/{interaction.token}/callback"
        refused = await post(http, path, {"type": 4, "data": {"content": "x" * 2001}})
        await interaction.response.send_message("short")
        return refused

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")
    status, answer = await bot.outcome()

    assert (status, answer["code"]) == (400, 50035)
    assert outcome.message is not None
    assert outcome.message["content"] == "short"


async def test_history_without_permission_is_empty(wire: VirtualDiscord, bot: Any) -> None:
    """No error: an empty list, as on Discord."""
    channel = bot.get_channel(general(wire))
    await channel.send("one")
    await channel.send("two")
    before = [item.content async for item in channel.history()]
    wire.permit("general", "read_message_history", False)

    assert before == ["two", "one"]
    assert [item.content async for item in channel.history()] == []


@pytest.mark.parametrize(
    ("permission", "with_file", "code"),
    [("view_channel", False, 50001), ("send_messages", False, 50013), ("attach_files", True, 50013)],
)
async def test_missing_permission_is_named(
    wire: VirtualDiscord, bot: Any, permission: str, with_file: bool, code: int
) -> None:
    """403 with Discord's code; the other channel still works."""
    channel = bot.get_channel(general(wire))
    wire.permit("general", permission, False)
    file = discord.File(io.BytesIO(b"x"), "a.png") if with_file else discord.utils.MISSING

    with pytest.raises(discord.Forbidden) as refused:
        await channel.send("x", file=file)
    await bot.get_channel(wire.channels["video-lab"].id).send("fine")

    assert refused.value.code == code


async def test_thread_counts_as_its_parent(wire: VirtualDiscord, bot: Any) -> None:
    """The parent's overwrites rule, with the thread's own send permission."""
    thread = wire.open_thread("general", "clips")
    channel = await bot.fetch_channel(thread.id)
    await channel.send("in the thread")
    wire.permit("general", "send_messages_in_threads", False)

    with pytest.raises(discord.Forbidden):
        await channel.send("again")
    assert [item["content"] for item in wire.messages(thread, "ann")] == ["in the thread"]


async def test_reply_to_a_deleted_message(wire: VirtualDiscord, bot: Any) -> None:
    """400 unless `fail_if_not_exists` is false."""
    channel = bot.get_channel(general(wire))
    card = await channel.send("card")
    answer = await channel.send("clip", reference=card)
    wire.delete_message(card.id)

    with pytest.raises(discord.HTTPException) as refused:
        await channel.send("clip", reference=card)
    loose = await channel.send("clip", reference=card.to_reference(fail_if_not_exists=False))

    assert answer.reference.message_id == card.id
    assert (refused.value.status, refused.value.code) == (400, 50035)
    assert loose.reference is None


async def test_lost_answer_leaves_the_effect(wire: VirtualDiscord, bot: Any) -> None:
    """The message is there, the client sees a broken connection, and the nonce finds it again."""
    channel = bot.get_channel(general(wire))
    wire.faults.add(method="POST", path_regex=r"/channels/\d+/messages$", kind="lose_answer")

    with pytest.raises((aiohttp.ClientError, OSError)):
        await channel.send("clip", nonce="n1")
    again = await channel.send("clip", nonce="n1")

    assert [int(item["id"]) for item in wire.messages("general", "ann")] == [again.id]
    assert [record.lost for record in wire.requests if record.method == "POST"] == [True, False]


async def test_reset_connection_has_no_effect(wire: VirtualDiscord, bot: Any) -> None:
    """Closed before anything happened."""
    wire.faults.add(path_regex=r"/messages$", kind="reset")

    with pytest.raises((aiohttp.ClientError, OSError)):
        await bot.get_channel(general(wire)).send("clip")

    assert wire.messages("general", "ann") == []


async def test_rate_limit_is_waited_for(wire: VirtualDiscord, bot: Any) -> None:
    """discord.py honours a 429 that carries `Via`."""
    wire.faults.add(path_regex=r"/messages$", kind="status", status=429, retry_after_s=0.05)

    await bot.get_channel(general(wire)).send("clip")

    assert [record.status for record in wire.requests if record.method == "POST"] == [429, 200]


async def test_status_fault_and_delay(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """A status is answered before any effect; a delay only delays."""
    wire.faults.add(path_regex=r"/messages$", kind="status", status=503, code=0)
    wire.faults.add(path_regex=r"/messages$", kind="delay", delay_s=0.01)

    first, _ = await post(http, f"channels/{general(wire)}/messages", {"content": "x"})
    second, _ = await post(http, f"channels/{general(wire)}/messages", {"content": "x"})

    assert (first, second) == (503, 200)
    assert len(wire.messages("general", "ann")) == 1


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/plain"])
async def test_content_type_must_be_exact(wire: VirtualDiscord, http: aiohttp.ClientSession, kind: str) -> None:
    """Anything but `application/json` is refused."""
    path = f"channels/{general(wire)}/messages"
    async with http.post(path, data=b'{"content":"x"}', headers={"Content-Type": kind}) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50035)


async def test_requests_need_the_token(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """401 without it."""
    async with http.get("users/@me", headers={"Authorization": "Bot wrong"}) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("command", "field"),
    [
        ({"name": "Upper", "description": "x"}, "name"),
        ({"name": "has space", "description": "x"}, "name"),
        ({"name": "ok", "description": ""}, "description"),
        ({"name": "ok", "description": "x" * 101}, "description"),
        ({"name": "ok", "description": "x", "name_localizations": {"nl": "Met spatie"}}, "name_localizations"),
        ({"name": "ok", "description": "x", "name_localizations": {"xx": "ok"}}, "name_localizations"),
        ({"name": "ok", "description": "x", "description_localizations": {"ja": ""}}, "description_localizations"),
        ({"name": "Menu", "type": 3, "name_localizations": {"ja": "x" * 33}}, "name_localizations"),
        (
            {
                "name": "ok",
                "description": "x",
                "options": [
                    {"name": "a", "description": "x", "type": 3},
                    {"name": "b", "description": "x", "type": 3, "required": True},
                ],
            },
            "options",
        ),
        (
            {
                "name": "ok",
                "description": "x",
                "options": [{"name": f"o{i}", "description": "x", "type": 3} for i in range(26)],
            },
            "options",
        ),
        (
            {
                "name": "ok",
                "description": "x",
                "options": [
                    {
                        "name": "o",
                        "description": "x",
                        "type": 3,
                        "choices": [{"name": str(i), "value": str(i)} for i in range(26)],
                    }
                ],
            },
            "options",
        ),
    ],
)
async def test_bad_commands_are_refused(
    wire: VirtualDiscord, http: aiohttp.ClientSession, command: Any, field: str
) -> None:
    """50035 with the path of the fault; nothing is registered."""
    async with http.put(f"applications/{wire.application_id}/commands", json=[command]) as response:
        answer = await response.json()

    assert (response.status, answer["code"]) == (400, 50035)
    assert field in answer["errors"]["0"]
    assert wire.commands("owner", "general") == []


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2001},
        {"embeds": [{"title": "x" * 257}]},
        {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]},
        {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x"}]}]},
        {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "a"}] * 2}]},
        {"flags": 1 << 15, "content": "x", "components": [{"type": 10, "content": "x"}]},
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x"}] * 41},
        {"flags": 1 << 15, "components": [{"type": 13, "file": {"url": "attachment://none.mp4"}}]},
        {"components": [{"type": 10, "content": "x"}]},
    ],
)
async def test_bad_messages_are_refused(wire: VirtualDiscord, http: aiohttp.ClientSession, body: Any) -> None:
    """50035, and no message."""
    status, answer = await post(http, f"channels/{general(wire)}/messages", body)

    assert (status, answer["code"]) == (400, 50035)
    assert answer["errors"]
    assert wire.messages("general", "ann") == []


async def test_unknown_places_are_named(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """10003 for a channel, 10008 for a message, 50006 for nothing to say."""
    gone, channel = await post(http, "channels/123456789012345678/messages", {"content": "x"})
    empty, nothing = await post(http, f"channels/{general(wire)}/messages", {})
    async with http.get(f"channels/{general(wire)}/messages/123456789012345678") as response:
        message = await response.json()

    assert (gone, channel["code"], empty, nothing["code"]) == (404, 10003, 400, 50006)
    assert (response.status, message["code"]) == (404, 10008)


async def test_commands_outlive_a_restart(tmp_path: Path) -> None:
    """A bot that syncs only on change finds its commands again."""
    path = tmp_path / "commands.json"
    for registered in (False, True):
        virtual = await VirtualDiscord.start(commands_path=path)
        offered = [item["name"] for item in virtual.commands("ann", "general")]
        assert offered == (["ping"] if registered else [])
        headers = {"Authorization": f"Bot {virtual.token}"}
        async with aiohttp.ClientSession(base_url=f"{virtual.origin}/api/v10/", headers=headers) as http:
            await post(http, f"applications/{virtual.application_id}/commands", {"name": "ping", "description": "x"})
        await virtual.stop()


async def test_waiting_for_a_change(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """`wait_for` sees the change that makes its predicate true, and gives up in time."""
    waiting = asyncio.create_task(wire.wait_for(lambda: wire.messages("general", "ann"), 5))
    await post(http, f"channels/{general(wire)}/messages", {"content": "x"})
    seen = await waiting

    assert seen[0]["content"] == "x"
    with pytest.raises(TimeoutError):
        await wire.wait_for(lambda: None, 0.01)
