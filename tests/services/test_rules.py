"""Each setting of a server, seen from a request: refused before anything is stored or held, and again at the hold."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.db import tables
from bot.domain.errors import BudgetRefused, Refused
from bot.domain.jobs import JobState
from bot.domain.money import ZERO
from bot.domain.requests import Attachment, GenerationRequest, ReferenceRole
from bot.domain.rules import GuildRules
from bot.services.config import MoneyRules
from tests.services.world import CHANNEL, GUILD, OWNER, USER, World, credits

FAST, USUAL = "seedance2-movie/seedance-2.0-fast", "seedance2-movie/seedance-2.0"
PICTURE = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 10, "https://cdn/a.png")


@pytest.mark.parametrize(
    ("rules", "options", "code"),
    [
        ({"channels": frozenset({CHANNEL + 1})}, {}, "channel_not_allowed"),
        ({"models": frozenset({FAST})}, {"model": USUAL}, "model_not_allowed"),
        ({"restricted_models": frozenset({USUAL})}, {"model": USUAL}, "age_restricted"),
        ({"longest_s": 5}, {"duration_s": 6}, "too_long"),
        ({"highest_resolution": "720p"}, {"resolution": "1080p"}, "resolution_too_high"),
        ({"blocked": ("boat",)}, {}, "blocked_word"),
    ],
)
async def test_what_a_server_does_not_allow_is_refused_before_anything_is_kept(
    world: World, rules: dict, options: dict, code: str
) -> None:
    """No reference is fetched, no job made, nothing held; allowed again, the same request is taken."""
    await world.settle_in()
    before = dict.fromkeys(rules)
    before |= {name: getattr(world.guild_rules, name) for name in rules}
    await world.set_rules(**rules)

    with pytest.raises(Refused) as refused:
        await world.accept(attachments=(PICTURE,), **options)
    await world.set_rules(**before)
    job = await world.accept(attachments=(PICTURE,), **options)

    assert refused.value.code == code
    assert [one.id for one in await world.queries.jobs(user_id=USER)] == [job.id]


async def test_a_thread_counts_as_its_parent(world: World) -> None:
    """The rule names the channel; the job is asked for in a thread of it."""
    await world.settle_in()
    await world.set_rules(channels=frozenset({CHANNEL}))
    inside = replace(world.requester(channel=CHANNEL + 500), parent_channel_id=CHANNEL)
    request = GenerationRequest("a red boat")

    job = await world.generation.accept(inside, request, world.generation.check(request))

    assert (job.channel_id, job.parent_channel_id) == (CHANNEL + 500, CHANNEL)


async def test_an_age_restricted_channel_opens_restricted_models(world: World) -> None:
    """The same model, refused outside, is taken inside."""
    await world.settle_in()
    await world.set_rules(restricted_models=frozenset({USUAL}))
    inside = world.requester(is_age_restricted=True)
    request = GenerationRequest("a red boat", model=USUAL)

    job = await world.generation.accept(inside, request, world.generation.check(request))

    assert job.spec.model == USUAL


async def test_what_was_not_chosen_gives_way_to_the_rules(world: World) -> None:
    """Without options the request gets the model, length and resolution that the server allows."""
    await world.settle_in()
    await world.set_rules(models=frozenset({FAST}), longest_s=4, highest_resolution="480p")

    job = await world.accept()

    assert (job.spec.model, job.spec.duration_s, job.spec.resolution) == (FAST, 4, "480p")


async def test_a_cheaper_variant_is_one_that_the_server_allows(make_world) -> None:
    """The refusal of a budget never proposes what a rule would refuse next."""
    rules = MoneyRules(home_guild_id=GUILD, member_allowance=credits("5"))
    world = make_world(rules=rules)
    await world.settle_in()
    await world.set_rules(models=frozenset({USUAL}))

    with pytest.raises(BudgetRefused) as refused:
        await world.accept(model=USUAL)

    assert refused.value.cheaper is not None
    assert refused.value.cheaper.model == USUAL


async def test_rules_changed_while_references_are_fetched_still_count(world: World) -> None:
    """The rule comes between the first look and the hold: nothing is held and the reference is not kept."""
    await world.settle_in()
    store = world.intake.store

    async def store_slowly(*given: object) -> object:
        await world.set_rules(blocked=("boat",))
        return await store(*given)

    world.intake.store = store_slowly

    with pytest.raises(Refused, match="blocked_word"):
        await world.accept(attachments=(PICTURE,))

    assert await world.queries.jobs(user_id=USER) == []
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == ZERO
    assert len(world.intake.discarded) == 1


async def test_a_suspended_member_asks_for_nothing_and_running_jobs_finish(world: World) -> None:
    """With the reason and until when; afterwards, or resumed, all is as before."""
    running = await world.accept()
    await world.turn()
    await world.moderation.suspend(GUILD, OWNER, USER, world.clock.now() + timedelta(days=9), "spam")

    with pytest.raises(Refused, match="suspended_until") as refused:
        await world.accept()
    await world.run_until_quiet()

    assert refused.value.params["reason"] == "spam"
    assert await world.state(running) is JobState.DELIVERED
    await world.moderation.resume(GUILD, OWNER, USER)
    assert (await world.accept()).state is JobState.QUEUED


async def test_a_suspension_ends_by_itself(world: World) -> None:
    """No scheduled task is needed."""
    await world.moderation.suspend(GUILD, OWNER, USER, world.clock.now() + timedelta(days=9), "spam")
    with pytest.raises(Refused):
        await world.accept()

    world.clock.advance(9 * 86_400)

    assert (await world.accept()).state is JobState.QUEUED


async def test_the_servers_running_cap_is_the_members(make_world) -> None:
    """A cap of one lets one run at a time, a cap of three three."""
    for guild, cap in ((GUILD, 1), (GUILD + 1, 3)):
        rules = MoneyRules(guild_pool=None, member_allowance=None)
        world = make_world(rules=rules, guild_rules=GuildRules(confirm_over=None, running_cap=cap))
        world.provider.number_from(1000 * guild)
        world.provider.auto_finish = False
        for _ in range(5):
            await world.accept(guild=guild)

        await world.dispatch.run()

        async with world.database.read() as connection:
            running = sa.select(sa.func.count()).where(
                tables.job.c.guild_id == guild, tables.job.c.state == JobState.PREPARING.value
            )
            assert (await connection.execute(running)).scalar() == cap


async def test_refusals_by_rule_and_jobs_reach_the_journal_and_private_prompts_do_not(make_world) -> None:
    """One line each for what was refused, accepted and ended; none of it where there is no log channel."""
    world = make_world(guild_rules=GuildRules(confirm_over=None, log_channel_id=66, blocked=("bad",)))
    with pytest.raises(Refused):
        await world.accept("a bad boat")
    await world.accept("a red boat", private=True)
    await world.run_until_quiet()

    async with world.database.read() as connection:
        lines = (await connection.execute(sa.select(tables.log_line).order_by(tables.log_line.c.id))).all()

    assert [line.event for line in lines] == ["refused", "job.accepted", "job.ended"]
    assert all("boat" not in line.detail for line in lines)


async def test_public_messages_speak_the_language_of_the_settings(world: World) -> None:
    """Else the server's own; a member's private words are always theirs."""
    await world.settle_in()
    own = await world.accept()
    await world.set_rules(language="nl")

    assert (own.public_locale, (await world.accept()).public_locale) == ("en-US", "nl")
