"""`/balance`, `/quota` and `/help` as people see them."""

import pytest
from simcord import BackendError, SetupError

from bot.domain.money import Credits
from tests.cogs.conftest import Stage, said


async def test_balance_shows_allowance_held_and_entries(stage: Stage) -> None:
    """Privately."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")

    result = await stage.ann.slash(stage.channel, "balance")

    assert result.ephemeral
    assert "41.0 of 50.0 credits left" in said(result)
    assert "9.0 credits for 1 open job" in said(result)
    assert "held 9.0" in said(result)


async def test_only_moderators_see_other_balances(stage: Stage) -> None:
    """A member is refused privately; a moderator sees it."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")

    refused = await stage.ben.slash(stage.channel, "balance", member=stage.ann)
    shown = await stage.mo.slash(stage.channel, "balance", member=stage.ann)

    assert "Only moderators" in said(refused)
    assert refused.response.ephemeral
    assert "41.0 of 50.0" in said(shown)


async def test_balance_in_direct_messages_covers_all_servers(stage: Stage) -> None:
    """Each with its name."""
    assert "Nothing is stored about you in any server" in said(await stage.ann.user.slash("balance"))
    await stage.ann.slash(stage.channel, "video", prompt="a fox")

    assert "Your balance in Test Guild" in said(await stage.ann.user.slash("balance"))


async def test_quota_is_for_moderators(stage: Stage) -> None:
    """Discord does not offer it to members."""
    assert not any(name.startswith("quota") for name in stage.ann.available_commands(stage.channel))
    assert "quota set" in stage.mo.available_commands(stage.channel)
    with pytest.raises((BackendError, SetupError)):
        await stage.ann.slash(stage.channel, "quota set", credits="5")


async def test_limits_are_set_for_everyone_and_for_one(stage: Stage) -> None:
    """A member's own beats everyone's; inherit goes back."""
    everyone = await stage.mo.slash(stage.channel, "quota set", credits="20")
    await stage.mo.slash(stage.channel, "quota set", credits="unlimited", member=stage.ann)

    assert "inherited → **20.0 credits**" in said(everyone)
    assert everyone.ephemeral
    assert "unlimited" in said(await stage.ann.slash(stage.channel, "balance"))
    assert "of 20.0 credits left" in said(await stage.ben.slash(stage.channel, "balance"))

    await stage.mo.slash(stage.channel, "quota set", credits="inherit", member=stage.ann)

    assert "of 20.0 credits left" in said(await stage.ann.slash(stage.channel, "balance"))


async def test_grant_and_revoke_change_the_wallet(stage: Stage) -> None:
    """Revoking takes what is there, and says so."""
    granted = await stage.mo.slash(
        stage.channel, "quota grant", member=stage.ann, credits="12.5", reason="prize", expires="7d"
    )
    shown = await stage.mo.slash(stage.channel, "quota show", member=stage.ann)
    revoked = await stage.mo.slash(stage.channel, "quota revoke", member=stage.ann, credits="20", reason="mistake")

    assert "got 12.5 credits until <t:" in said(granted)
    assert "Wallet: 12.5 credits" in said(shown)
    assert "Took 12.5 of 20.0 credits" in said(revoked)
    assert "holds 0.0 now" in said(revoked)


@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        ("quota set", {"credits": "lots"}, "“lots” is not an amount"),
        ("quota set", {"credits": "-5"}, "“-5” is not an amount"),
        ("quota grant", {"credits": "nan", "reason": "x"}, "“nan” is not an amount"),
        ("quota grant", {"credits": "0", "reason": "x"}, "more than 0 credits"),
        ("quota grant", {"credits": "5", "reason": "x", "expires": "soon"}, "“soon” is not a time"),
        ("quota grant", {"credits": "5", "reason": "x", "expires": "2020-01-01"}, "has passed"),
    ],
)
async def test_wrong_quota_input_is_refused(stage: Stage, command: str, options: dict, sentence: str) -> None:
    """With an example of what works."""
    result = await stage.mo.slash(stage.channel, command, **{"member": stage.ann, **options})

    assert sentence in said(result)
    assert result.ephemeral


async def test_help_says_what_one_may_spend(stage: Stage) -> None:
    """Moderators are told about `/quota` as well."""
    member = said(await stage.ann.slash(stage.channel, "help"))
    moderator = said(await stage.mo.slash(stage.channel, "help"))

    assert "You may spend 50.0 credits of your allowance" in member
    assert "seedance2-movie/seedance-2.0-fast" in member
    assert "/quota" not in member
    assert "/quota" in moderator
    assert "are made in servers" in said(await stage.ann.user.slash("help"))


async def test_help_says_what_is_allowed_here(stage: Stage) -> None:
    """Models, channels, sizes and prices as the moderators set them; in direct messages nothing of that."""
    await stage.world.set_rules(
        stage.guild.id,
        models=frozenset({"seedance2-movie/seedance-2.0-fast"}),
        channels=frozenset({stage.channel.id}),
        longest_s=6,
        highest_resolution="720p",
        approve_over=Credits(20_000),
    )

    here, directly = said(await stage.ann.slash(stage.channel, "help")), said(await stage.ann.user.slash("help"))

    assert "Models for clips: `seedance2-movie/seedance-2.0-fast`\n" in here
    assert "/image" not in here
    assert f"in <#{stage.channel.id}> only" in here
    assert "at most 6 s long" in here
    assert "at most 720p" in here
    assert "Above 20.0 credits, a moderator has to approve" in here
    assert "`seedance2-movie/seedance-2.0`" in directly
    assert "<#" not in directly


async def test_help_says_why_one_may_spend_nothing(stage: Stage) -> None:
    """A suspension with its reason, or a server without credits with the operator's command."""
    await stage.mo.slash(stage.channel, "quota suspend", member=stage.ben, reason="too many ducks")
    suspended = said(await stage.ben.slash(stage.channel, "help"))
    await stage.restart(guild_pool=Credits(0))
    broke = said(await stage.ann.slash(stage.channel, "help"))

    assert "suspended you" in suspended
    assert "too many ducks" in suspended
    assert "You may spend" not in suspended
    assert f"python -m bot pool --guild {stage.guild.id}" in broke
    assert "You may spend" not in broke
