"""Where clips come, and what else is posted: direct messages with their reason, approval cards, notices."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import DeliveryForbidden
from bot.domain.jobs import JobState
from bot.domain.rules import PublicPrompts
from bot.ports import ApprovalView, ClipFile, ClipPost, Notice
from bot.services.delivery_ladder import Detour
from tests.discord.conftest import Post
from tests.discord.jobs import job

MESSAGES = r"^/channels/\d+/messages$"
MIB = 1024 * 1024


def _clip(post: Post, **values: Any) -> ClipPost:
    known = {"job": job(user_id=post.discord.people["ann"].id), "nonce": "ABCDEFGHJKMN-1-0", "file": post.clip()}
    return ClipPost(**(known | values))


def _picture(post: Post, name: str, size_bytes: int = 1000) -> ClipFile:
    path = post.folder / name
    path.write_bytes(b"\0" * size_bytes)
    return ClipFile(path=path, filename=name, size_bytes=size_bytes)


# ---------------------------------------------------------------------------------------------------------- prompts


@pytest.mark.parametrize(
    ("shown", "expected"),
    [(PublicPrompts.YES, "> a red fox\n"), (PublicPrompts.SPOILER, "> ||a red fox||\n"), (PublicPrompts.NO, None)],
)
async def test_clip_shows_its_prompt_as_the_server_wants(
    post: Post, shown: PublicPrompts, expected: str | None
) -> None:
    """As it is, behind a spoiler, or not at all; the options are always there."""
    await post.messenger.post_clip(post.channel_id, _clip(post, prompt_shown=shown))

    content = post.messages()[-1]["content"]
    assert (expected in content) if expected else ("red fox" not in content)
    assert "720p" in content


async def test_prompt_cannot_break_out_of_its_spoiler(post: Post) -> None:
    """Bars that somebody typed are escaped."""
    sly = job(prompt="a || b", user_id=post.discord.people["ann"].id)

    await post.messenger.post_clip(post.channel_id, _clip(post, job=sly, prompt_shown=PublicPrompts.SPOILER))

    assert r"> ||a \|\| b||" in post.messages()[-1]["content"]


@pytest.mark.parametrize("is_late", [True, False])
async def test_without_ping_nobody_is_named(post: Post, is_late: bool) -> None:
    """The clip says what it is all the same."""
    ann = post.discord.people["ann"].id

    await post.messenger.post_clip(post.channel_id, _clip(post, job=job(user_id=ann, is_late=is_late), mention=False))

    message = post.messages()[-1]
    assert message["mentions"] == []
    assert str(ann) not in message["content"]
    assert ("given up" in message["content"]) is is_late


# --------------------------------------------------------------------------------------------------- direct messages


@pytest.mark.parametrize("detour", Detour)
async def test_direct_message_says_where_it_was_asked_for_and_why_it_comes_here(post: Post, detour: Detour) -> None:
    """One sentence for each reason, beside the clip itself."""
    ann = post.discord.people["ann"].id
    channel_id = await post.messenger.open_direct(ann)
    asked = job(user_id=ann, channel_id=post.channel_id)

    await post.messenger.post_clip(channel_id, _clip(post, job=asked, detour=detour.value))

    (message,) = post.discord.direct_messages("ann")
    (line,) = [line for line in message["content"].splitlines() if f"<#{post.channel_id}>" in line]
    assert line.startswith("You asked for it")
    assert message["attachments"]


async def test_member_who_is_gone_is_no_member(post: Post) -> None:
    """Nor is somebody who never was; no member list is needed for that."""
    guild_id = post.discord._world.guild.id

    assert await post.messenger.is_member(guild_id, post.discord.people["ann"].id)
    assert not await post.messenger.is_member(guild_id, 1455000000000009999)


# ------------------------------------------------------------------------------------------------------- approval cards


def _waiting(post: Post, **values: Any) -> ApprovalView:
    ann = post.discord.people["ann"].id
    waiting = job(JobState.AWAITING_APPROVAL, user_id=ann, prompt="a *red* fox @everyone", **values)
    return ApprovalView(job=waiting, locale="en-US")


def _text(message: dict[str, Any]) -> str:
    (embed,) = message["embeds"]
    fields = [f"{field['name']}: {field['value']}" for field in embed.get("fields", [])]
    return "\n".join([embed["title"], embed["description"], *fields])


@pytest.mark.parametrize("is_private", [True, False])
async def test_approval_card_shows_what_is_decided(post: Post, is_private: bool) -> None:
    """Who asks, where, the prompt (a private one too), options, cost, references, the end; pings nobody."""
    view = replace(_waiting(post, is_private=is_private), files=(_picture(post, "a.png"), _picture(post, "b.webp")))

    await post.messenger.show_approval(post.channel_id, view, message_id=None)

    message = post.messages()[-1]
    text = _text(message)
    for part in (f"<@{view.job.user_id}>", "<#10>", r"a \*red\* fox", "720p", "9.0 credits", "<t:"):
        assert part in text
    assert ("private" in text) is is_private
    assert message["mentions"] == []
    assert not message["mention_everyone"]
    assert [a["filename"] for a in message["attachments"]] == ["a.png", "b.webp"]
    assert [b["custom_id"] for b in message["components"][0]["components"]] == [
        "sb1:approve:ABCDEFGHJKMN",
        "sb1:deny:ABCDEFGHJKMN",
    ]


@pytest.mark.parametrize("outcome", ["approved", "denied", "expired", "cancelled", "refused"])
async def test_decided_card_has_no_buttons_and_says_who_decided(post: Post, outcome: str) -> None:
    """The same message, its pictures still there, with the moderator's reason."""
    view = replace(_waiting(post), files=(_picture(post, "a.png"),))
    shown = await post.messenger.show_approval(post.channel_id, view, message_id=None)
    actor = None if outcome in {"expired", "cancelled"} else 42
    decided = replace(view, job=replace(view.job, decision_reason="too *long*"), outcome=outcome, actor_id=actor)

    again = await post.messenger.show_approval(post.channel_id, decided, message_id=shown.message_id)

    (message,) = post.messages()
    assert again == shown
    assert message["components"] == []
    assert ("<@42>" in _text(message)) is (actor is not None)
    assert r"too \*long\*" in _text(message)
    assert len(message["attachments"]) == 1


async def test_approval_card_is_posted_once(post: Post) -> None:
    """Again after a crash is the same message."""
    first = await post.messenger.show_approval(post.channel_id, _waiting(post), message_id=None)

    assert await post.messenger.show_approval(post.channel_id, _waiting(post), message_id=None) == first
    assert len(post.messages()) == 1


async def test_pictures_that_do_not_fit_do_not_stop_a_decision(post: Post) -> None:
    """Too large by rule they are left out; too large by Discord's word all of them are."""
    large, small = _picture(post, "large.png", 11 * MIB), _picture(post, "small.png")
    await post.messenger.show_approval(post.channel_id, replace(_waiting(post), files=(large, small)), message_id=None)
    other = replace(_waiting(post, id="BBBBBBBBBBBB"), files=(small,))
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="status", status=413, code=40005)

    await post.messenger.show_approval(post.channel_id, other, message_id=None)

    assert [[a["filename"] for a in message["attachments"]] for message in post.messages()] == [["small.png"], []]


async def test_more_than_ten_pictures_are_ten(post: Post) -> None:
    """One message takes no more."""
    files = tuple(_picture(post, f"{number}.png") for number in range(12))

    await post.messenger.show_approval(post.channel_id, replace(_waiting(post), files=files), message_id=None)

    assert len(post.messages()[-1]["attachments"]) == 10


async def test_approval_card_that_is_gone_is_a_closed_place(post: Post) -> None:
    """Whoever wanted to show it may post it anew."""
    shown = await post.messenger.show_approval(post.channel_id, _waiting(post), message_id=None)
    post.discord.delete_message(shown.message_id)

    with pytest.raises(DeliveryForbidden):
        await post.messenger.show_approval(post.channel_id, _waiting(post), message_id=shown.message_id)


# ------------------------------------------------------------------------------------------------------------- notices


async def test_notice_pings_nobody_and_is_posted_once(post: Post) -> None:
    """With its files, and cut to what a message holds."""
    ann = post.discord.people["ann"].id
    table = _picture(post, "usage.csv")
    notice = Notice(text=f"<@{ann}> @everyone " + "x" * 3000, nonce="log-1", files=(table,))

    first = await post.messenger.post_notice(post.channel_id, notice)
    assert await post.messenger.post_notice(post.channel_id, notice) == first

    (message,) = post.messages()
    assert (message["mentions"], message["mention_everyone"]) == ([], False)
    assert len(message["content"]) == 2000
    assert message["attachments"][0]["filename"] == "usage.csv"


async def test_notice_to_a_closed_channel_says_so(post: Post) -> None:
    """The caller may look for another place."""
    post.discord.permit("video-lab", "send_messages", False)

    with pytest.raises(DeliveryForbidden):
        await post.messenger.post_notice(post.channel_id, Notice(text="x", nonce="log-2"))
