"""The Server tab: what its switches do, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from playground.discord import VirtualDiscord
from playground.page.server import PageServer

pytestmark = pytest.mark.slow


class NoBot:
    """In the place of a bot's process."""

    running = False

    async def start_bot(self) -> None:
        """Nothing to start."""

    async def kill_bot(self) -> None:
        """Nothing to kill."""

    async def terminate_bot(self) -> tuple[int, float]:
        """Nothing to stop."""
        return 0, 0.0

    def log_tail(self, size_bytes: int) -> str:
        """Nothing was printed."""
        return ""


@pytest.fixture
async def discord() -> AsyncIterator[VirtualDiscord]:
    """The simulated Discord alone."""
    discord = await VirtualDiscord.start()
    yield discord
    await discord.stop()


@pytest.fixture
async def page(discord: VirtualDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the page over it."""
    server = PageServer(discord, NoBot(), {})
    await server.start()
    async with aiohttp.ClientSession(server.origin, timeout=aiohttp.ClientTimeout(total=10)) as http:
        yield http
    await server.stop()


async def turn(page: aiohttp.ClientSession, verb: str, **fields: Any) -> tuple[int, str]:
    """Turn a switch: status and sentence."""
    async with page.post("/api/server", json={"verb": verb, **fields}) as answer:
        body = await answer.json()
        return answer.status, body.get("said") or body.get("error", "")


async def state(page: aiohttp.ClientSession) -> dict[str, Any]:
    """The server as Ann sees it."""
    async with page.get("/api/start") as answer:
        found: dict[str, Any] = (await answer.json())["server"]
        return found


def named(things: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """The one with that key."""
    return next(thing for thing in things if thing["key"] == key)


async def test_a_role_is_given_and_taken(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """Ann becomes a moderator, sees the staff room, and is none again."""
    role = str(discord.roles["moderator"].id)
    assert not named((await state(page))["channels"], "staff")["visible"]

    assert (await turn(page, "role", person="ann", role=role, on=True))[0] == 200
    assert named((await state(page))["channels"], "staff")["visible"]
    assert named((await state(page))["people"], "ann")["roles"] == [role]
    await turn(page, "role", person="ann", role=role, on=False)
    assert discord.member_roles("ann") == []


async def test_the_bot_loses_a_permission_in_one_channel(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """Send Messages off: the list says so, another channel stays as it was; on again."""
    _status, said = await turn(page, "permission", channel="general", permission="send_messages", on=False)

    assert said == "In #general the bot may not: Send Messages."
    channels = (await state(page))["channels"]
    assert not named(channels, "general")["bot_may_post"]
    assert named(channels, "video-lab")["bot_may_post"]
    await turn(page, "permission", channel="general", permission="send_messages", on=True)
    assert named((await state(page))["channels"], "general")["bot_may_post"]


async def test_channels_are_told_apart(page: aiohttp.ClientSession) -> None:
    """One is age-restricted, one takes nothing from the bot, one is for the staff."""
    channels = (await state(page))["channels"]

    assert [one["key"] for one in channels if one["age_restricted"]] == ["after-dark"]
    assert [one["key"] for one in channels if one["staff_only"]] == ["staff"]
    assert not named(channels, "no-posting")["bot_may_post"]


async def test_a_channel_becomes_age_restricted(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """And is not any more."""
    await turn(page, "age_restricted", channel="general", on=True)
    assert discord.channels["general"].nsfw

    await turn(page, "age_restricted", channel="general", on=False)
    assert not discord.channels["general"].nsfw


async def test_a_thread_is_opened_locked_archived_and_deleted(
    discord: VirtualDiscord, page: aiohttp.ClientSession
) -> None:
    """Each state shows; what is no thread cannot be archived."""
    await turn(page, "open_thread", channel="general")
    key = next(key for key, channel in discord.channels.items() if channel.kind == "thread")
    assert named((await state(page))["channels"], key)["parent"] == str(discord.channels["general"].id)

    await turn(page, "locked", channel=key, on=True)
    assert discord.channels[key].locked
    await turn(page, "locked", channel=key, on=False)
    assert (discord.channels[key].locked, discord.channels[key].archived) == (False, False)
    await turn(page, "archived", channel=key, on=True)
    assert (discord.channels[key].locked, discord.channels[key].archived) == (False, True)
    assert (await turn(page, "archived", channel="general", on=True))[0] == 400
    await turn(page, "delete_channel", channel=key)
    assert key not in discord.channels


async def test_a_person_closes_messages_changes_language_and_leaves(
    discord: VirtualDiscord, page: aiohttp.ClientSession
) -> None:
    """Each shows in the list; who left sees no channel and may come back."""
    await turn(page, "direct_messages", person="ann", on=False)
    await turn(page, "locale", person="ann", locale="ja")
    await turn(page, "member", person="ann", on=False)

    ann = named((await state(page))["people"], "ann")
    assert (ann["dms_open"], ann["locale"], ann["member"]) == (False, "ja", False)
    assert not any(channel["visible"] for channel in (await state(page))["channels"])
    await turn(page, "member", person="ann", on=True)
    await turn(page, "direct_messages", person="ann", on=True)
    ann = named((await state(page))["people"], "ann")
    assert (ann["dms_open"], ann["member"]) == (True, True)


async def test_the_bot_is_removed_and_added_again(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """The list knows where it stands."""
    await turn(page, "bot", on=False)
    assert not discord.in_guild()
    assert not (await state(page))["bot"]["member"]

    await turn(page, "bot", on=True)
    assert (await state(page))["bot"]["member"]


async def test_the_servers_language_and_its_limit(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """Both reach the bot with its next look."""
    await turn(page, "guild_locale", locale="nl")
    await turn(page, "upload_limit", mib="50")

    assert discord.settings.guild_locale == "nl"
    assert discord.settings.upload_limit_bytes == 50 * 1024 * 1024


async def test_discord_refuses_the_next_message(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """The bot's next message to a channel is refused with the chosen code, the one after it is taken."""
    await turn(page, "refuse", code="40005")
    assert (await state(page))["refusals_waiting"] == 1
    address = f"{discord.origin}/api/v10/channels/{discord.channels['general'].id}/messages"
    post = {"json": {"content": "hello"}, "headers": {"Authorization": f"Bot {discord.token}"}}

    async with page.post(address, **post) as answer:
        assert (answer.status, (await answer.json())["code"]) == (413, 40005)
    async with page.post(address, **post) as answer:
        assert answer.status == 200
    await turn(page, "refuse", code="500")
    await turn(page, "refuse_nothing")
    assert (await state(page))["refusals_waiting"] == 0


async def test_automod_stops_a_word(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """Which the bot learns as 200000; no words, no stop."""
    address = f"{discord.origin}/api/v10/channels/{discord.channels['general'].id}/messages"
    post = {"json": {"content": "a cat"}, "headers": {"Authorization": f"Bot {discord.token}"}}

    await turn(page, "block_words", words="dog\n cat \n")
    async with page.post(address, **post) as answer:
        assert (await answer.json())["code"] == 200000
    await turn(page, "block_words", words="")
    async with page.post(address, **post) as answer:
        assert answer.status == 200


async def test_a_role_may_use_a_command(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """A command for moderators is offered to Ann once her role may use it."""
    address = f"{discord.origin}/api/v10/applications/{discord.application_id}/commands"
    command = {"name": "quota", "description": "Budgets", "default_member_permissions": "32"}
    async with page.put(address, json=[command], headers={"Authorization": f"Bot {discord.token}"}) as answer:
        assert answer.status == 200
    everyone = {"command": "quota", "role": str(discord.roles["everyone"].id)}

    assert (await state(page))["bot"]["commands"] == ["quota"]
    assert discord.commands("ann", "general") == []
    await turn(page, "command_access", **everyone, wish="yes")
    assert len(discord.commands("ann", "general")) == 1
    await turn(page, "command_access", **everyone, wish="default")
    assert discord.commands("ann", "general") == []


async def test_a_message_is_deleted_by_whoever_sees_it(discord: VirtualDiscord, page: aiohttp.ClientSession) -> None:
    """And by nobody who does not."""
    said = discord.say("mo", "staff", "psst")
    message = {"channel": "staff", "message_id": said["id"]}

    assert (await turn(page, "delete_message", person="ann", **message))[0] == 400
    assert (await turn(page, "delete_message", person="mo", **message))[0] == 200
    assert discord.messages("staff", "mo") == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"verb": "dance"}, "no switch called dance"),
        ({"verb": "role", "person": "ann", "role": "7", "on": True}, "no such role"),
        ({"verb": "role", "person": "eve", "role": "7", "on": True}, "nobody called eve"),
        ({"verb": "permission", "channel": "attic", "permission": "send_messages"}, "no channel called attic"),
        ({"verb": "permission", "channel": "general", "permission": "fly"}, "fly is none of"),
        ({"verb": "locale", "person": "ann", "locale": "xx"}, "xx is none of"),
        ({"verb": "upload_limit", "mib": -1}, "-1 is none of"),
        ({"verb": "refuse", "code": "7"}, "7 is none of"),
        ({"verb": "command_access", "command": "video", "role": "7", "wish": "yes"}, "no such role"),
        ({"verb": "block_words"}, "words"),
        ({"verb": "token_lifetime", "seconds": "nan"}, "nan is none of"),
        ({"verb": "member", "person": "owner", "on": False}, "owner cannot leave"),
        ({"verb": "delete_message", "person": "ann", "channel": "general"}, "message_id"),
    ],
)
async def test_what_cannot_be_turned_is_said(
    page: aiohttp.ClientSession, fields: dict[str, Any], sentence: str
) -> None:
    """A wrong request is a 400 with a sentence."""
    status, said = await turn(page, fields.pop("verb"), **fields)

    assert status == 400
    assert sentence in said
