"""`/quota` as moderators see it: limits by member, role and channel, suspension, and where each stands."""

import re

import pytest
import simcord

from tests.cogs.conftest import Stage, said


async def test_limits_of_roles_and_channels_are_set_and_shown(stage: Stage) -> None:
    """The best role counts, and a channel's cap is for all members together."""
    bronze, gold = stage.guild.create_role("bronze"), stage.guild.create_role("gold")
    carl = stage.guild.add_member(stage.env.create_user("carl"), roles=[bronze, gold])

    await stage.mo.slash(stage.channel, "quota set", credits="12", role=bronze)
    role = await stage.mo.slash(stage.channel, "quota set", credits="80", role=gold)
    channel = await stage.mo.slash(stage.channel, "quota set", credits="10", channel=stage.channel)

    assert f"<@&{gold.id}>: inherited → **80.0 credits**" in said(role)
    assert f"<#{stage.channel.id}>: inherited → **10.0 credits**" in said(channel)
    assert "of 80.0 credits left" in said(await carl.slash(stage.channel, "balance"))
    await carl.slash(stage.channel, "video", prompt="a fox")
    refused = await stage.ann.slash(stage.channel, "video", prompt="a fox")
    assert "This channel's cap has 1.0 credits left" in said(refused)
    shown = said(await stage.mo.slash(stage.channel, "quota show", member=carl))
    assert f"The role <@&{gold.id}>: 80.0 credits" in shown
    assert f"<#{stage.channel.id}>: 0.0 of 10.0 credits spent, 9.0 held" in shown


async def test_a_role_above_the_bots_own_is_refused(stage: Stage) -> None:
    """It says which role and why; a limit that such a role has already can be taken away."""
    low, high = stage.guild.create_role("low"), stage.guild.create_role("high", position=99)

    refused = await stage.mo.slash(stage.channel, "quota set", credits="5", role=high)
    taken = await stage.mo.slash(stage.channel, "quota set", credits="5", role=low)
    cleared = await stage.mo.slash(stage.channel, "quota set", credits="inherit", role=high)
    listed = said(await stage.mo.slash(stage.channel, "quota list"))

    assert refused.ephemeral
    assert f"<@&{high.id}> stands above this bot's own role <@&" in said(refused)
    assert "Nothing was changed" in said(refused)
    assert f"<@&{low.id}>: inherited → **5.0 credits**" in said(taken)
    assert f"<@&{high.id}>: inherited → **inherited**" in said(cleared)
    assert (f"<@&{low.id}>" in listed, f"<@&{high.id}>" in listed) == (True, False)


async def test_show_says_where_the_allowance_comes_from(stage: Stage) -> None:
    """The bot's default, everyone's, the member's own."""

    async def shown() -> str:
        return said(await stage.mo.slash(stage.channel, "quota show", member=stage.ann))

    assert "The bot's default: 50.0 credits" in await shown()
    await stage.mo.slash(stage.channel, "quota set", credits="20")
    assert "Everyone's limit: 20.0 credits" in await shown()
    await stage.mo.slash(stage.channel, "quota set", credits="unlimited", member=stage.ann)
    assert "The member's own limit: unlimited" in await shown()


async def test_a_suspended_member_is_told_why_until_they_are_resumed(stage: Stage) -> None:
    """Moderators see it in `show` and in `list`."""
    suspended = await stage.mo.slash(stage.channel, "quota suspend", member=stage.ann, reason="**spam**", until="7d")
    refused = await stage.ann.slash(stage.channel, "video", prompt="a fox")
    shown = said(await stage.mo.slash(stage.channel, "quota show", member=stage.ann))
    listed = said(await stage.mo.slash(stage.channel, "quota list"))

    assert "may ask for nothing new until <t:" in said(suspended)
    assert "suspended" in said(refused).lower()
    assert all(message.ephemeral for message in refused.followups)
    for text in (shown, listed):
        assert f"by <@{stage.mo.id}>: \\*\\*spam\\*\\*" in text

    resumed = await stage.mo.slash(stage.channel, "quota resume", member=stage.ann)
    again = await stage.mo.slash(stage.channel, "quota resume", member=stage.ann)
    assert "may ask for new clips and pictures again" in said(resumed)
    assert "is not suspended" in said(again)
    assert not (await stage.ann.slash(stage.channel, "video", prompt="a fox")).ephemeral


async def test_list_shows_limits_use_and_who_spent_most(stage: Stage) -> None:
    """Privately, and without buttons where one page is enough."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.work()

    result = await stage.mo.slash(stage.channel, "quota list")

    assert f"1. <@{stage.ann.id}>: 9.0 credits, 1 job" in said(result)
    assert "50.0 credits, the bot's default" in said(result)
    assert result.ephemeral
    assert not result.response.message.components


async def test_a_long_list_has_pages(stage: Stage) -> None:
    """Each limit is on one of them, and each page fits an embed."""
    roles = [stage.guild.create_role(f"role{n}") for n in range(45)]
    for role in roles:
        await stage.mo.slash(stage.channel, "quota set", credits="5", role=role)

    panel = await stage.mo.slash(stage.channel, "quota list")
    texts, footers = [said(panel)], [_footer(panel)]
    for _ in range(2):
        await stage.mo.click(panel.response.message, label="▶")
        texts.append(said(panel))
        footers.append(_footer(panel))
        assert all(len(field.value) <= 1024 for field in panel.response.embeds[0].fields)

    assert footers == ["Page 1 of 3", "Page 2 of 3", "Page 3 of 3"]
    shown = re.findall(r"<@&(\d+)>: 5\.0", "\n".join(texts))
    assert sorted(shown) == sorted(str(role.id) for role in roles)
    await stage.mo.click(panel.response.message, label="◀")
    assert (_footer(panel), said(panel)) == (footers[1], texts[1])


def _footer(result: simcord.InteractionResult) -> str | None:
    return result.response.embeds[0].footer.text


@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        ("quota set", {"credits": "-5"}, "“-5” is not an amount"),
        ("quota set", {"credits": "nan"}, "“nan” is not an amount"),
        ("quota set", {"credits": "1e999999"}, "is not an amount"),
        ("quota set", {"credits": "2000000000"}, "at most 1,000,000,000 credits"),
        ("quota set", {"credits": "99999999999999999999999"}, "is not an amount"),
        ("quota grant", {"credits": "2000000000", "reason": "x"}, "at most 1,000,000,000 credits"),
        ("quota grant", {"credits": "5", "reason": "x", "expires": "9999w"}, "too far away"),
        ("quota grant", {"credits": "5", "reason": "x", "expires": "9999-12-31"}, "too far away"),
        ("quota grant", {"credits": "5", "reason": "x", "expires": "2026-02-30"}, "“2026-02-30” is not a time"),
        ("quota suspend", {"reason": "x", "until": "0h"}, "has passed"),
        ("quota suspend", {"reason": "x", "until": "2026-03-03"}, "has passed"),
        ("quota suspend", {"reason": "x", "until": "2030-01-01"}, "too far away"),
        ("quota suspend", {"reason": "x", "until": "tomorrow"}, "“tomorrow” is not a time"),
    ],
)
async def test_wrong_input_is_refused_in_a_sentence(stage: Stage, command: str, options: dict, sentence: str) -> None:
    """Privately, and nothing is changed."""
    result = await stage.mo.slash(stage.channel, command, **{"member": stage.ann, **options})

    assert sentence in said(result)
    assert result.ephemeral
    shown = said(await stage.mo.slash(stage.channel, "quota show", member=stage.ann))
    assert "The bot's default: 50.0 credits" in shown
    assert "Suspended" not in shown
    assert "Wallet: 0.0 credits" in shown


async def test_only_one_of_member_role_and_channel(stage: Stage) -> None:
    """@everyone is no role for this, and a category no channel."""
    role = stage.guild.create_role("gold")

    both = await stage.mo.slash(stage.channel, "quota set", credits="5", member=stage.ann, role=role)
    everyone = await stage.mo.slash(stage.channel, "quota set", credits="5", role=stage.guild.default_role)

    assert "Choose one of" in said(both)
    assert "leave `role` out" in said(everyone)


async def test_a_date_lasts_until_its_end_where_the_server_is(stage: Stage) -> None:
    """In Tokyo the 4th of March ends nine hours before it does in UTC: now it is 12:00 UTC, 21:00 there."""
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"zone": "Asia/Tokyo"})
    stage.world.clock.advance(6 * 86_400)  # the time zone holds from Monday on; now Tuesday 10 March, 12:00 UTC

    result = await stage.mo.slash(
        stage.channel, "quota grant", member=stage.ann, credits="5", reason="x", expires="2026-03-10"
    )

    midnight_in_tokyo = 1773154800  # 2026-03-10T15:00:00Z
    assert f"until <t:{midnight_in_tokyo}:f>" in said(result)


async def test_members_may_not_use_any_of_it(stage: Stage) -> None:
    """Discord does not offer it."""
    offered = stage.ann.available_commands(stage.channel)

    assert not [name for name in offered if name.startswith(("quota", "settings"))]
