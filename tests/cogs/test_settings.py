"""`/settings`: one private panel, a modal for each section, nothing lost and nothing half done."""

import asyncio
from typing import Any

import discord
import pytest
import simcord
from simcord import SetupError

from bot.domain.budgets import Period
from bot.domain.money import Credits
from bot.domain.rules import GuildRules, PublicPrompts
from tests.cogs.conftest import Stage, said

TEXT, STRING_SELECT, ROLE_SELECT, CHANNEL_SELECT = 4, 3, 6, 8
SELECT = "sb2:settings:section"


async def panel(stage: Stage, who: Any = None) -> simcord.InteractionResult:
    """Open the panel."""
    return await (who or stage.mo).slash(stage.channel, "settings")


async def choose(stage: Stage, section: str, shown: Any = None, who: Any = None) -> simcord.InteractionResult:
    """Choose a section in a panel, which opens its modal."""
    message = (shown or await panel(stage, who)).response
    menu = message.components[0]["components"][0]["custom_id"]
    return await (who or stage.mo).select(message, custom_id=menu, values=[section])


def controls(opened: simcord.InteractionResult) -> dict[str, dict]:
    """Return the fields of a modal by their names, each with its label."""
    assert opened.modal is not None, said(opened)
    return {
        label["component"]["custom_id"].partition(":")[0]: label["component"] | {"label": label["label"]}
        for label in opened.modal["components"]
    }


def prefilled(stage: Stage, control: dict) -> Any:
    """Return what a field is opened with, as simcord takes it back."""
    if control["type"] == TEXT:
        return control.get("value") or ""
    if control["type"] == STRING_SELECT:
        return [option["value"] for option in control["options"] if option.get("default")]
    ids = [int(one["id"]) for one in control.get("default_values") or ()]
    things = [*stage.guild.channels.values(), *stage.guild.roles.values()]
    return [thing for thing in things if thing.id in ids]


async def submit(
    stage: Stage, opened: simcord.InteractionResult, who: Any = None, **typed: Any
) -> simcord.InteractionResult:
    """Submit a modal with what it was opened with, but for the fields that are typed."""
    values = {
        control["custom_id"]: typed.pop(name) if name in typed else prefilled(stage, control)
        for name, control in controls(opened).items()
    }
    assert not typed
    return await (who or stage.mo).submit_modal(opened, values)


async def rules(stage: Stage) -> GuildRules:
    """The settings that hold."""
    return await stage.world.moderation.rules(stage.guild.id)


async def give_roles(stage: Stage, *roles: simcord.RoleHandle) -> None:
    """Let the moderator have these roles and no others."""
    member = stage.env.backend.get_member(stage.guild.id, stage.mo.id)
    member.role_ids[:] = [role.id for role in roles]


async def set_rules(stage: Stage, **fields: Any) -> None:
    """Change settings, as another moderator would elsewhere."""
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, fields)


async def test_the_panel_shows_every_setting_privately(stage: Stage) -> None:
    """In sentences, a section each."""
    await set_rules(stage, channels=frozenset({stage.channel.id}), longest_s=9, blocked=("a", "b"), confirm_over=None)

    result = await panel(stage)

    text = said(result)
    assert result.ephemeral
    for sentence in (
        f"Clips and pictures may be asked for in <#{stage.channel.id}> only.",
        "Every model may be used.",
        "2 words or patterns are blocked.",
        "A clip is at most 9 s long.",
        "Each member may have 2 running and 10 waiting jobs.",
        "Members never have to confirm a price.",
        "There is no log channel.",
        "Public messages show the prompt.",
        "Allowance period: Week; time zone UTC; weeks begin on Monday.",
    ):
        assert sentence in text


@pytest.mark.parametrize("section", ["access", "limits", "approvals", "delivery", "locale"])
async def test_a_modal_that_comes_back_as_it_was_changes_nothing(stage: Stage, section: str) -> None:
    """Whatever is set; it opens filled in, and is within Discord's bounds (simcord checks them)."""
    await set_rules(
        stage,
        channels=frozenset({stage.channel.id}),
        models=frozenset({"seedance2-movie/seedance-2.0"}),
        renderings=frozenset({"wild"}),
        restricted_models=frozenset({"seedance2-movie/seedance-2.0"}),
        blocked=("one", "/t[wv]o/"),
        longest_s=9,
        highest_resolution="720p",
        confirm_over=Credits(12_500),
        approve_over=Credits(99_000),
        log_channel_id=stage.channel.id,
        public_prompts=PublicPrompts.NO,
        ping=False,
    )
    before = await rules(stage)

    answer = await submit(stage, await choose(stage, section))

    assert "Nothing was changed." in said(answer)
    assert await rules(stage) == before


async def test_access_is_changed(stage: Stage) -> None:
    """Channels, models and renderings, marked models, words, roles."""
    role = stage.guild.create_role("helpers")
    model = "seedance2-movie/seedance-2.0-fast"

    answer = await submit(
        stage,
        await choose(stage, "access"),
        channels=[stage.channel],
        models=[f"model/{model}", "rendering/wild"],
        restricted_models=[model],
        blocked=" spider \n\n/b[ou]g+/\nspider",
        moderator_roles=[role],
    )

    found = await rules(stage)
    assert (found.channels, found.models) == (frozenset({stage.channel.id}), frozenset({model}))
    assert (found.renderings, found.restricted_models) == (frozenset({"wild"}), frozenset({model}))
    assert (found.blocked, found.moderator_roles) == (("spider", "/b[ou]g+/"), frozenset({role.id}))
    assert "Changed: Channels for clips and pictures, Models and renderings" in said(answer)
    assert f"Clips and pictures may be asked for in <#{stage.channel.id}> only." in said(answer)


async def test_limits_and_thresholds_are_changed_and_can_be_emptied(stage: Stage) -> None:
    """An emptied length is what the model can; `never` is no threshold."""
    await submit(
        stage,
        await choose(stage, "limits"),
        longest_s="8",
        highest_resolution=["720p"],
        running_cap=" 10 ",
        queued_cap="100",
    )
    await submit(stage, await choose(stage, "approvals"), confirm_over="NEVER", approve_over="12.5")
    found = await rules(stage)
    assert (found.longest_s, found.highest_resolution, found.running_cap, found.queued_cap) == (8, "720p", 10, 100)
    assert (found.confirm_over, found.approve_over) == (None, Credits(12_500))

    await submit(stage, await choose(stage, "limits"), longest_s="", highest_resolution=["none"])
    await submit(stage, await choose(stage, "approvals"), confirm_over="0", approve_over="never")

    found = await rules(stage)
    assert (found.longest_s, found.highest_resolution, found.running_cap) == (None, None, 10)
    assert (found.confirm_over, found.approve_over) == (Credits(0), None)


async def test_delivery_is_changed(stage: Stage) -> None:
    """Log channel, prompts, ping."""
    log = stage.guild.create_text_channel("log")

    answer = await submit(
        stage, await choose(stage, "delivery"), log_channel_id=[log], public_prompts=["spoiler"], ping=["no"]
    )

    found = await rules(stage)
    assert (found.log_channel_id, found.public_prompts, found.ping) == (log.id, PublicPrompts.SPOILER, False)
    assert f"are told in <#{log.id}>" in said(answer)


async def test_a_log_channel_where_the_bot_may_not_post_is_refused(stage: Stage) -> None:
    """The missing permission is named, and nothing else is changed."""
    closed = discord.PermissionOverwrite(send_messages=False)
    log = stage.guild.create_text_channel("log", overwrites={stage.guild.default_role: closed})

    answer = await submit(stage, await choose(stage, "delivery"), log_channel_id=[log], ping=["no"])

    assert f"The bot may not post in <#{log.id}>: it lacks Send Messages" in said(answer)
    assert await rules(stage) == GuildRules()


async def test_a_calendar_is_changed_from_the_periods_end_on(stage: Stage) -> None:
    """The answer says when; setting it back leaves nothing waiting."""
    opened = await choose(stage, "locale")
    answer = await submit(stage, opened, period=["month"], zone="asia/tokyo", week_start=["6"], language=["en"])

    assert "The new calendar takes effect <t:1773014400:f>" in said(answer)  # 2026-03-09T00:00:00Z
    assert "– allowance period: Month; time zone Asia/Tokyo; weeks begin on Sunday." in said(answer)
    settings = await stage.world.moderation.settings(stage.guild.id)
    assert settings.waiting is not None
    assert (settings.waiting.period, settings.rules.language) == (Period.MONTH, "en")

    answer = await submit(
        stage, await choose(stage, "locale"), period=["week"], zone="UTC", week_start=["0"], language=["none"]
    )

    assert "no change waits any more" in said(answer)
    settings = await stage.world.moderation.settings(stage.guild.id)
    assert (settings.waiting, settings.rules.language) == (None, None)


@pytest.mark.parametrize(
    ("section", "typed", "sentences"),
    [
        ("limits", {"running_cap": "0"}, ["**Running jobs per member**: Give a whole number from 1 to 10."]),
        (
            "limits",
            {"running_cap": "many", "queued_cap": "101", "longest_s": "-1"},
            [
                "“many” is not a whole number",
                "from 1 to 100",
                "**Longest clip, in seconds**: Give a whole number from 4",
            ],
        ),
        ("limits", {"longest_s": "99999999999999999999"}, ["is not a whole number"]),
        ("approvals", {"confirm_over": "-3"}, ["“-3” is not an amount of credits"]),
        ("approvals", {"confirm_over": "nan", "approve_over": "2000000000"}, ["“nan” is no", "at most 1,000,000,000"]),
        ("access", {"blocked": "fine\n/(/"}, ["**Blocked words**"]),
        ("locale", {"zone": "Amsterdam"}, ["There is no time zone “Amsterdam”", "Europe/Amsterdam"]),
        ("locale", {"zone": "<@1> `x`"}, ["There is no time zone"]),
    ],
)
async def test_wrong_values_change_nothing_and_each_has_its_sentence(
    stage: Stage, section: str, typed: dict, sentences: list[str]
) -> None:
    """What was typed is given back, and the button opens the modal again with it."""
    good = {"limits": {"highest_resolution": ["480p"]}, "locale": {"language": ["en"]}}.get(section, {})

    answer = await submit(stage, await choose(stage, section), **typed, **good)

    assert answer.followups
    assert all(message.ephemeral for message in answer.followups)
    for sentence in sentences:
        assert sentence in said(answer)
    assert await rules(stage) == GuildRules()
    assert (await stage.world.moderation.settings(stage.guild.id)).waiting is None
    again = await stage.mo.click(answer.followups[-1], label="Correct it")
    for name, value in (typed | good).items():
        assert prefilled(stage, controls(again)[name]) == value


async def test_what_was_refused_can_be_corrected(stage: Stage) -> None:
    """The values that were right need not be typed again."""
    answer = await submit(stage, await choose(stage, "limits"), running_cap="0", queued_cap="50")
    again = await stage.mo.click(answer.followups[-1], label="Correct it")

    answer = await submit(stage, again, running_cap="3")

    assert "Changed: Running jobs per member, Waiting jobs per member." in said(answer)
    assert ((await rules(stage)).running_cap, (await rules(stage)).queued_cap) == (3, 50)


async def test_two_moderators_with_open_modals_lose_nothing(stage: Stage) -> None:
    """Different settings of one section both stand; the same one is not overwritten unseen."""
    staff = stage.guild.create_role("more staff", permissions=discord.Permissions(manage_guild=True))
    pia = stage.guild.add_member(stage.env.create_user("pia"), roles=[staff])
    first, second = await choose(stage, "limits"), await choose(stage, "limits", who=pia)

    await submit(stage, first, longest_s="9", running_cap="5")
    await submit(stage, second, who=pia, queued_cap="50")
    assert (await rules(stage)).longest_s == 9
    assert ((await rules(stage)).running_cap, (await rules(stage)).queued_cap) == (5, 50)

    third, fourth = await choose(stage, "limits"), await choose(stage, "limits", who=pia)
    await submit(stage, third, running_cap="6")
    refused = await submit(stage, fourth, who=pia, running_cap="7", longest_s="")

    assert "Somebody else has changed this meanwhile" in said(refused)
    assert ((await rules(stage)).running_cap, (await rules(stage)).longest_s) == (6, 9)
    again = await pia.click(refused.followups[-1], label="Correct it")
    await submit(stage, again, who=pia)
    assert ((await rules(stage)).running_cap, (await rules(stage)).longest_s) == (7, None)


async def test_a_modal_opened_while_the_database_is_slow_wipes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opens unfilled and says so; what is left empty stays."""
    await set_rules(stage, longest_s=9, highest_resolution="720p", blocked=("word",), models=frozenset())
    shown, other = await panel(stage), await panel(stage)

    async def late(_guild_id: int) -> None:
        await asyncio.sleep(1)

    with monkeypatch.context() as slow:
        slow.setattr(stage.world.moderation, "settings", late)
        slow.setattr("cogs.settings.READ_TIMEOUT_S", 0.01)
        limits = await choose(stage, "limits", shown)
        access = await choose(stage, "access", other)
    assert limits.modal is not None
    assert limits.modal["title"] == "Limits: empty stays as it is"
    assert all(not prefilled(stage, one) for one in controls(limits).values())
    await submit(stage, limits, queued_cap="20")
    await submit(stage, access, models=["rendering/real"])

    found = await rules(stage)
    assert (found.longest_s, found.highest_resolution, found.running_cap, found.queued_cap) == (9, "720p", 2, 20)
    assert (found.blocked, found.renderings) == (("word",), frozenset({"real"}))


async def test_the_panel_and_an_open_modal_work_after_a_restart(stage: Stage) -> None:
    """Nothing of them is in memory; a button to correct opens with the settings as they are."""
    shown = await panel(stage)
    opened = await choose(stage, "limits", shown)
    refused = await submit(stage, await choose(stage, "limits"), running_cap="0")
    await stage.restart()

    assert "Changed: Waiting jobs per member." in said(await submit(stage, opened, queued_cap="44"))
    assert prefilled(stage, controls(await choose(stage, "limits", shown))["queued_cap"]) == "44"
    again = await stage.mo.click(refused.followups[-1], label="Correct it")
    assert prefilled(stage, controls(again)["running_cap"]) == "2"


async def test_who_lost_the_right_is_refused_on_the_panel_and_on_submit(stage: Stage) -> None:
    """Privately, and nothing is changed."""
    shown = await panel(stage)
    opened = await choose(stage, "limits", shown)
    await give_roles(stage)

    pressed = await choose(stage, "limits", shown)
    submitted = await submit(stage, opened, running_cap="5")

    for answer in (pressed, submitted):
        assert "Only this server's moderators may do that" in said(answer)
    assert await rules(stage) == GuildRules()


async def test_a_role_named_in_the_settings_may_use_the_panel(stage: Stage) -> None:
    """It needs no other right."""
    helpers = stage.guild.create_role("helpers")
    await set_rules(stage, moderator_roles=frozenset({helpers.id}))
    shown = await panel(stage)
    await give_roles(stage, helpers)

    answer = await submit(stage, await choose(stage, "limits", shown), running_cap="5")

    assert "Changed: Running jobs per member." in said(answer)


async def test_a_moderators_role_above_the_bots_own_is_refused(stage: Stage) -> None:
    """Nothing of the form is changed; one that was chosen before stays."""
    low = stage.guild.create_role("low")
    old, high = (stage.guild.create_role(name, position=99) for name in ("old", "high"))
    await set_rules(stage, moderator_roles=frozenset({old.id}))

    refused = await submit(stage, await choose(stage, "access"), moderator_roles=[old, low, high], blocked="spider")
    assert f"<@&{high.id}> stands above this bot's own role <@&" in said(refused)
    assert ((await rules(stage)).moderator_roles, (await rules(stage)).blocked) == (frozenset({old.id}), ())

    await submit(stage, await choose(stage, "access"), moderator_roles=[old, low])
    assert (await rules(stage)).moderator_roles == frozenset({old.id, low.id})


async def test_whoever_the_admins_gave_the_command_may_use_its_panel_for_a_while(stage: Stage) -> None:
    """Fifteen minutes: a member without Manage Server, whom Discord's own command settings let in."""
    with pytest.raises((SetupError, simcord.BackendError)):
        await panel(stage, stage.ann)
    commands = {one.name: one for one in await stage.env.bot.tree.fetch_commands()}
    stage.guild.set_command_permissions(commands["settings"], {stage.ann: True})
    shown = await panel(stage, stage.ann)

    answer = await submit(stage, await choose(stage, "limits", shown, stage.ann), stage.ann, running_cap="5")
    stage.world.clock.advance(901)
    late = await choose(stage, "limits", shown, stage.ann)

    assert "Changed: Running jobs per member." in said(answer)
    assert "Only this server's moderators may do that" in said(late)
