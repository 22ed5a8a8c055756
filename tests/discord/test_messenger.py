"""Cards and clips over Discord's real wire: once, to the right readers, and with the right error."""

from datetime import timedelta

import discord
import pytest

from bot.discord.client import LONGEST_RECONNECT_S, BotClient
from bot.discord.custom_ids import Action, custom_id
from bot.domain.errors import (
    DeliveryAmbiguous,
    DeliveryForbidden,
    DeliveryRetry,
    DeliveryTooLarge,
    SettingsInvalid,
)
from bot.domain.jobs import JobState
from bot.ports import CardView, ClipPost
from tests.discord.conftest import Post
from tests.discord.jobs import job

MESSAGES = r"^/channels/\d+/messages$"
FOLLOW_UPS = r"^/webhooks/\d+/[^/]+$"
ORIGINAL = r"/messages/@original$"
NONCE = "ABCDEFGHJKMN-1-0"


def _clip(post: Post, **values: object) -> ClipPost:
    ann = post.discord.people["ann"].id
    return ClipPost(job=job(user_id=ann), nonce=NONCE, **{"file": post.clip(), **values})  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- cards


async def test_card_is_edited_through_the_interaction_then_by_bot_token(post: Post) -> None:
    """The first edit tells the message id; once the token is dead the same card goes on."""
    target = await post.card()
    shown = await post.messenger.show_card(target, CardView(job=job(JobState.RUNNING)))
    assert shown is not None
    assert str(shown.message_id) == post.messages()[-1]["id"]
    post.clock.advance(901)

    again = await post.messenger.show_card(shown, CardView(job=job(JobState.DELIVERED)))

    assert again == shown
    assert "Done." in post.messages()[-1]["embeds"][0]["description"]
    assert post.discord.requests[-1].path.endswith(f"/channels/{post.channel_id}/messages/{shown.message_id}")


@pytest.mark.parametrize(("status", "code"), [(404, 10015), (404, 10062), (401, 50027), (401, 0), (404, 0)])
async def test_token_that_dies_early_is_replaced_by_the_bots_own(post: Post, status: int, code: int) -> None:
    """Tokens die inside their 15 minutes as well."""
    target = await post.card()
    shown = await post.messenger.show_card(target, CardView(job=job()))
    assert shown is not None
    post.discord.faults.add(path_regex=ORIGINAL, kind="status", status=status, code=code)

    assert await post.messenger.show_card(shown, CardView(job=job(JobState.DELIVERED))) == shown
    assert "Done." in post.messages()[-1]["embeds"][0]["description"]


async def test_private_card_is_gone_with_its_token(post: Post) -> None:
    """Ephemeral messages can be edited with their token only."""
    target = await post.card(ephemeral=True)
    shown = await post.messenger.show_card(target, CardView(job=job(is_private=True)))
    assert shown is not None
    assert post.messages("ben") == []
    post.clock.advance(901)

    assert await post.messenger.show_card(shown, CardView(job=job(JobState.FAILED, is_private=True))) is None


async def test_deleted_card_is_gone(post: Post) -> None:
    """Neither way brings it back."""
    shown = await post.messenger.show_card(await post.card(), CardView(job=job()))
    assert shown is not None
    assert shown.message_id is not None
    post.discord.delete_message(shown.message_id)

    assert await post.messenger.show_card(shown, CardView(job=job())) is None
    post.clock.advance(901)
    assert await post.messenger.show_card(shown, CardView(job=job())) is None


async def test_lost_answer_of_an_edit_is_only_a_reason_to_try_again(post: Post) -> None:
    """Edits may be repeated."""
    target = await post.card()
    post.discord.faults.add(path_regex=ORIGINAL, kind="lose_answer")

    with pytest.raises(DeliveryRetry):
        await post.messenger.show_card(target, CardView(job=job()))


# ------------------------------------------------------------------------------------------------------------- clips


async def test_clip_answers_the_card_and_pings_its_requester(post: Post) -> None:
    """By bot token, with the file."""
    shown = await post.messenger.show_card(await post.card(), CardView(job=job()))
    assert shown is not None

    posted = await post.messenger.post_clip(post.channel_id, _clip(post, reply_to=shown.message_id))

    message = post.messages()[-1]
    assert message["id"] == str(posted.message_id)
    assert message["attachments"][0]["filename"] == "clip.mp4"
    assert message["message_reference"]["message_id"] == str(shown.message_id)
    assert [user["username"] for user in message["mentions"]] == ["ann"]


async def test_clip_is_posted_although_the_card_is_gone(post: Post) -> None:
    """A reply to nothing is a plain message."""
    posted = await post.messenger.post_clip(post.channel_id, _clip(post, reply_to=1455000000000009999))

    assert post.messages()[-1]["id"] == str(posted.message_id)


async def test_same_nonce_is_the_same_message(post: Post) -> None:
    """Posting again after a crash shows nothing new."""
    first = await post.messenger.post_clip(post.channel_id, _clip(post))

    assert await post.messenger.post_clip(post.channel_id, _clip(post)) == first
    assert len(post.messages()) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_error_that_is_answered_is_repeated_under_the_same_nonce(post: Post, status: int) -> None:
    """discord.py repeats these by itself; the file is sent whole again."""
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="status", status=status, times=2)

    await post.messenger.post_clip(post.channel_id, _clip(post))

    assert [m["attachments"][0]["size"] for m in post.messages()] == [1000]


async def test_lost_answer_of_a_post_is_doubt(post: Post) -> None:
    """The message exists, and its mark is found."""
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="lose_answer")

    with pytest.raises(DeliveryAmbiguous):
        await post.messenger.post_clip(post.channel_id, _clip(post))

    found = await post.messenger.find_mark(post.channel_id, job(), 1, after=post.clock.now() - timedelta(minutes=1))
    assert found.found is not None
    assert str(found.found.message_id) == post.messages()[-1]["id"]


async def test_rate_limit_is_waited_for(post: Post) -> None:
    """A 429 is not the caller's concern."""
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="status", status=429)

    await post.messenger.post_clip(post.channel_id, _clip(post))

    assert len(post.messages()) == 1


async def test_real_limit_refuses_a_large_clip(post: Post) -> None:
    """Nothing is shown."""
    post.discord.settings.upload_limit_bytes = 500

    with pytest.raises(DeliveryTooLarge):
        await post.messenger.post_clip(post.channel_id, _clip(post))


# -------------------------------------------------------------------------------------------------------- follow-ups


async def test_follow_up_of_a_private_job_is_private(post: Post) -> None:
    """Only the requester sees it."""
    target = await post.card(ephemeral=True)
    private = job(is_private=True, user_id=post.discord.people["ann"].id)
    await post.messenger.show_card(target, CardView(job=private))

    await post.messenger.follow_up(target, ClipPost(job=private, nonce=NONCE, file=post.clip()))

    assert post.messages("ann")[-1]["attachments"]
    assert post.messages("ben") == []


@pytest.mark.parametrize("has_file", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_follow_up_is_never_repeated(post: Post, status: int, has_file: bool) -> None:
    """It has no nonce: a second one would be a second clip."""
    target = await post.card()
    await post.messenger.show_card(target, CardView(job=job()))
    before = len(post.discord.requests)
    post.discord.faults.add(path_regex=FOLLOW_UPS, method="POST", kind="status", status=status, times=None)
    values = {} if has_file else {"file": None, "link": "https://bot.example/media/x"}

    with pytest.raises(DeliveryAmbiguous):
        await post.messenger.follow_up(target, _clip(post, **values))

    assert len(post.discord.requests) == before + 1


async def test_follow_up_that_was_not_taken_may_be_tried_later(post: Post) -> None:
    """A 429 shows nothing."""
    target = await post.card()
    await post.messenger.show_card(target, CardView(job=job()))
    post.discord.faults.add(path_regex=FOLLOW_UPS, method="POST", kind="status", status=429)

    with pytest.raises(DeliveryRetry):
        await post.messenger.follow_up(target, _clip(post))


async def test_follow_up_needs_a_live_token(post: Post) -> None:
    """By our clock before asking, by Discord's word after."""
    target = await post.card()
    await post.messenger.show_card(target, CardView(job=job()))
    post.discord.faults.add(path_regex=FOLLOW_UPS, kind="status", status=401, code=50027)

    with pytest.raises(DeliveryForbidden):
        await post.messenger.follow_up(target, _clip(post))

    post.clock.advance(901)
    with pytest.raises(DeliveryForbidden):
        await post.messenger.follow_up(target, _clip(post))


# --------------------------------------------------------------------------------------------------- direct messages


async def test_direct_message_brings_the_clip_or_tells_the_outcome_once(post: Post) -> None:
    """To the member alone."""
    ann = post.discord.people["ann"].id
    channel_id = await post.messenger.open_direct(ann)
    await post.messenger.post_clip(channel_id, _clip(post))
    failed = CardView(job=job(JobState.FAILED, is_private=True, user_id=ann, error_code="SERVICE_BUSY"))

    await post.messenger.tell(ann, failed)
    await post.messenger.tell(ann, failed)

    seen = post.discord.direct_messages("ann")
    assert len(seen) == 2
    assert "Your private job `ABCDEFGHJKMN` failed. The provider is too busy" in seen[-1]["content"]


async def test_closed_direct_messages_are_a_closed_rung(post: Post) -> None:
    """The next one is tried."""
    ann = post.discord.people["ann"].id
    post.discord.settings.dm_closed.add(ann)

    with pytest.raises(DeliveryForbidden):
        await post.messenger.tell(ann, CardView(job=job(JobState.FAILED, user_id=ann)))


# ------------------------------------------------------------------------------------------------------- message mark


async def _search(post: Post, number: int = 1) -> tuple[bool, bool]:
    after = post.clock.now() - timedelta(minutes=5)
    search = await post.messenger.find_mark(post.channel_id, job(), number, after=after)
    return search.found is not None, search.is_certain


async def test_mark_is_that_of_this_job_and_this_delivery(post: Post) -> None:
    """Another delivery's message does not count."""
    await post.messenger.post_clip(post.channel_id, _clip(post))

    assert await _search(post) == (True, True)
    assert await _search(post, number=2) == (False, True)


async def test_mark_is_found_behind_a_hundred_messages(post: Post) -> None:
    """The search goes on page by page."""
    for number in range(130):
        post.discord.say("ben", "video-lab", str(number))
    await post.messenger.post_clip(post.channel_id, _clip(post))

    assert await _search(post) == (True, True)


async def test_forged_mark_of_somebody_else_does_not_count(post: Post) -> None:
    """Only the bot's own messages are looked at."""
    forged = post.discord.say("ben", "video-lab", "mine!")
    message = post.discord._world.find_message(int(forged["id"]))
    assert message is not None
    button = {"type": 2, "style": 4, "label": "x", "custom_id": custom_id(Action.DELETE, "ABCDEFGHJKMN", 1)}
    message.components = [{"type": 1, "components": [button]}]

    assert await _search(post) == (False, True)


async def test_empty_history_proves_nothing_unless_it_may_be_read(post: Post) -> None:
    """Without Read Message History Discord answers an empty list."""
    assert await _search(post) == (False, True)

    post.discord.permit("video-lab", "read_message_history", False)

    assert await _search(post) == (False, False)


async def test_history_of_a_thread_goes_by_its_parent(post: Post) -> None:
    """Its permissions are its parent's."""
    thread = post.discord.open_thread("video-lab", "a thread")
    after = post.clock.now()
    assert (await post.messenger.find_mark(thread.id, job(), 1, after=after)).is_certain

    post.discord.permit("video-lab", "read_message_history", False)

    assert not (await post.messenger.find_mark(thread.id, job(), 1, after=after)).is_certain


async def test_deleted_channel_has_no_message(post: Post) -> None:
    """That is certain; a channel that is only hidden may still have it."""
    general = post.discord.channels["general"]
    post.discord.permit("general", "view_channel", False)
    with pytest.raises(DeliveryForbidden):
        await post.messenger.find_mark(general.id, job(), 1, after=post.clock.now())

    post.discord.delete_channel("general")

    assert (await post.messenger.find_mark(general.id, job(), 1, after=post.clock.now())).is_certain


async def test_deleting_twice_is_fine(post: Post) -> None:
    """What is gone is gone."""
    posted = await post.messenger.post_clip(post.channel_id, _clip(post))
    await post.messenger.delete_message(posted.channel_id, posted.message_id)

    await post.messenger.delete_message(posted.channel_id, posted.message_id)

    assert post.messages() == []


# ---------------------------------------------------------------------------------------------------------- signing in


async def test_refused_token_is_one_line_that_names_the_setting(post: Post) -> None:
    """The token itself is not in it."""
    client = BotClient(api_base=f"{post.discord.origin}/api/v10")

    with pytest.raises(SettingsInvalid, match=r"^DISCORD_TOKEN: [^\n]+$") as caught:
        await client.sign_in("not.a.token")

    assert "not.a.token" not in str(caught.value)
    await client.close()


async def test_invite_link_asks_for_exactly_what_is_needed(post: Post) -> None:
    """View, send (in threads too), attach, embed, read history."""
    needed = (1 << 10) | (1 << 11) | (1 << 14) | (1 << 15) | (1 << 16) | (1 << 38)

    assert f"permissions={needed}" in post.client.invite_link()


async def test_the_gateway_is_tried_again_soon(post: Post) -> None:
    """Also after many lost connections, where discord.py would wait up to seventeen."""
    waits = discord.shard.ExponentialBackoff()

    assert max(waits.delay() for _ in range(200)) <= LONGEST_RECONNECT_S
