"""`/jobs` as members see it."""

from bot.domain.errors import DeliveryForbidden
from bot.domain.jobs import JobState
from bot.domain.requests import GenerationRequest
from tests.cogs.conftest import Stage, said


async def _ask(stage: Stage, prompt: str, **options: object) -> str:
    await stage.ann.slash(stage.channel, "video", prompt=prompt, **options)
    return (await stage.world.queries.jobs(user_id=stage.ann.id))[0].id


async def test_list_shows_only_ones_own(stage: Stage) -> None:
    """Newest first, privately; another member sees none of them."""
    await _ask(stage, "first fox")
    stage.world.clock.advance(1)
    await _ask(stage, "second fox")

    own = await stage.ann.slash(stage.channel, "jobs list")
    other = await stage.ben.slash(stage.channel, "jobs list")

    assert own.ephemeral
    assert said(own).index("second fox") < said(own).index("first fox")
    assert "No such jobs" in said(other)


async def test_list_by_status(stage: Stage) -> None:
    """Open ones are those that have not ended."""
    done = await _ask(stage, "first fox")
    await stage.work()
    waiting = await _ask(stage, "second fox")

    found = said(await stage.ann.slash(stage.channel, "jobs list", status="open"))

    assert waiting in found
    assert done not in found
    assert done in said(await stage.ann.slash(stage.channel, "jobs list", status="delivered"))


async def test_show_has_options_cost_history_and_the_way_to_the_clip(stage: Stage) -> None:
    """Everything about one job."""
    job = await _ask(stage, "a fox")
    await stage.work()

    text = said(await stage.ann.slash(stage.channel, "jobs show", job=job.lower()))

    assert "9.0 credits" in text
    assert "waiting" in text
    assert f"https://discord.com/channels/{stage.guild.id}/{stage.channel.id}/{stage.channel.last_message.id}" in text


async def test_job_of_another_member_is_unknown(stage: Stage) -> None:
    """Same sentence as for one that never was."""
    job = await _ask(stage, "a fox")

    for command in ("jobs show", "jobs cancel", "jobs redeliver"):
        assert f"There is no job `{job}`" in said(await stage.ben.slash(stage.channel, command, job=job))


async def test_suggestions_never_reach_across_members_or_guilds(stage: Stage) -> None:
    """One's own here; in direct messages one's own everywhere."""
    job = await _ask(stage, "a secret fox", private=True)
    elsewhere = stage.env.create_guild("elsewhere")
    hall = elsewhere.create_text_channel("hall")
    ann_elsewhere = elsewhere.add_member(stage.ann.user)

    def values(found: list[dict]) -> list[str]:
        return [choice["value"] for choice in found]

    assert values(await stage.ann.autocomplete(stage.channel, "jobs show", "job", "secret")) == [job]
    assert values(await stage.ben.autocomplete(stage.channel, "jobs show", "job", "")) == []
    assert values(await stage.mo.autocomplete(stage.channel, "jobs show", "job", "")) == []
    assert values(await ann_elsewhere.autocomplete(hall, "jobs show", "job", "")) == []
    assert values(await stage.ann.user.autocomplete("jobs show", "job", "")) == [job]


async def test_late_suggestions_are_empty(stage: Stage) -> None:
    """Autocomplete cannot be deferred, so a slow read gives nothing rather than an error."""

    async def slow(**_: object) -> list:
        raise TimeoutError

    stage.world.queries.suggest_jobs = slow  # type: ignore[method-assign]

    assert await stage.ann.autocomplete(stage.channel, "jobs show", "job", "") == []


async def test_cancel_releases_and_shows_it_on_the_card(stage: Stage) -> None:
    """The member is told what is free again."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a fox")
    job = (await stage.world.queries.jobs(user_id=stage.ann.id))[0]

    answer = await stage.ann.slash(stage.channel, "jobs cancel", job=job.id)

    assert f"Job `{job.id}` is cancelled; 9.0 credits are free again." in said(answer)
    assert "Cancelled" in said(result)
    assert [button["label"] for button in result.response.components[0]["components"]] == [
        "Try again",
        "Edit & rerun",
    ]


async def test_undelivered_clip_is_fetched_with_redeliver(stage: Stage) -> None:
    """It is suggested, and posted."""
    closed = [stage.world.messenger]

    class Closed:
        """Nothing can be posted anywhere."""

        async def post_clip(self, *_: object) -> None:
            raise DeliveryForbidden(50001)

        async def open_direct(self, _user: int) -> int:
            raise DeliveryForbidden(50007)

        async def follow_up(self, *_: object) -> None:
            raise DeliveryForbidden(50027)

        def __getattr__(self, name: str) -> object:
            return getattr(closed[0], name)

    job = await _ask(stage, "a fox")
    stage.world.delivery._messenger = Closed()  # type: ignore[assignment]
    await stage.work()
    assert (await stage.world.queries.job_for_operator(job)).state is JobState.UNDELIVERED
    stage.world.delivery._messenger = closed[0]

    offered = await stage.ann.autocomplete(stage.channel, "jobs redeliver", "job", "")
    answer = await stage.ann.slash(stage.channel, "jobs redeliver", job=job)
    await stage.work()

    assert [choice["value"] for choice in offered] == [job]
    assert "is on its way" in said(answer)
    assert stage.channel.last_message.attachments


async def test_untold_private_outcome_comes_with_the_next_command(stage: Stage) -> None:
    """Once, whatever the command is."""
    world = stage.world
    requester = world.requester(user=stage.ann.id, guild=stage.guild.id, channel=stage.channel.id)
    request = GenerationRequest("a private fox", private=True)
    job = await world.generation.accept(requester, request, world.generation.check(request))
    await world.change(job, interaction_token=None, token_expires_at=None)
    await world.cancellation.request(job.id, actor_id=stage.ann.id, guild_id=None, is_moderator=False)

    first = await stage.ann.slash(stage.channel, "help")
    second = await stage.ann.slash(stage.channel, "help")

    assert f"Your private job `{job.id}` is cancelled." in said(first)
    assert first.followups[0].ephemeral
    assert job.id not in said(second)


async def test_direct_messages_list_the_jobs_of_all_servers(stage: Stage) -> None:
    """With the server's name."""
    job = await _ask(stage, "a fox")

    text = said(await stage.ann.user.slash("jobs list"))

    assert job in text
    assert "Test Guild" in text


async def test_the_list_does_not_charge_for_what_was_not_made(stage: Stage) -> None:
    """A cancelled job costs nothing there either."""
    job = await _ask(stage, "a fox")

    before = said(await stage.ann.slash(stage.channel, "jobs list"))
    await stage.ann.slash(stage.channel, "jobs cancel", job=job)
    after = said(await stage.ann.slash(stage.channel, "jobs list"))

    assert ("9.0 credits" in before, "9.0 credits" in after, "0.0 credits" in after) == (True, False, True)
