"""Again, Edit & rerun, Extend: whose, with which files, at whose cost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.catalog import MODELS
from bot.domain.errors import MediaRejected, NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.requests import Attachment, ReferenceRole
from bot.domain.rules import PublicPrompts
from tests.services.world import GUILD, USER, World, catalog

STRANGER = 200
START = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 100, "https://cdn.example/a.png")
SECOND = Attachment("reference_1", ReferenceRole.REFERENCE, "b.png", 100, "https://cdn.example/b.png")


def upload(name: str = "new.png") -> Attachment:
    """A file of the form; it does not say what it is for."""
    return Attachment("", ReferenceRole.REFERENCE, name, 100, f"https://cdn.example/{name}")


async def delivered(world: World, **options: object) -> Job:
    """A clip that was posted."""
    job = await world.accept(**options)
    return await world.until_state(job, JobState.DELIVERED)


# ------------------------------------------------------------------------------------------------------- who may


async def test_anybody_may_repeat_a_public_clip_on_their_own_budget(world: World) -> None:
    """The new job is the stranger's, and names the one that it came from."""
    old = await delivered(world)

    new = await world.rerun.again(world.requester(user=STRANGER), old.id, private=False)

    assert (new.user_id, new.source_job_id) == (STRANGER, old.id)
    assert new.spec.prompt == old.spec.prompt
    assert new.spec.seed != old.spec.seed
    assert (await world.queries.balance(guild_id=GUILD, user_id=STRANGER)).held == new.quote


@pytest.mark.parametrize("act", ["again", "edit", "extend"])
async def test_private_job_is_only_its_requesters(world: World, act: str) -> None:
    """Others are told that it is private; nothing is made."""
    old = await delivered(world, private=True)
    who = world.requester(user=STRANGER)
    calls = {
        "again": lambda: world.rerun.again(who, old.id, private=True),
        "edit": lambda: world.rerun.edit(who, old.id, "a cat", [], private=True),
        "extend": lambda: world.rerun.extend(who, old.id, "a cat", private=True),
    }

    with pytest.raises(Refused) as refused:
        await calls[act]()

    assert refused.value.code == "not_yours_private"
    assert len(await world.queries.jobs(guild_id=GUILD)) == 1


async def test_private_job_is_not_repeated_in_public(world: World) -> None:
    """Not even by its requester: the card would show the prompt to all."""
    old = await delivered(world, private=True)

    with pytest.raises(Refused):
        await world.rerun.again(world.requester(), old.id, private=False)

    assert (await world.rerun.again(world.requester(), old.id, private=True)).is_private


async def test_shared_clip_counts_as_public(world: World) -> None:
    """Whoever sees the channel has seen it."""
    old = await delivered(world, private=True)
    await world.sharing.share(old.id, user_id=USER, guild_id=GUILD)

    new = await world.rerun.again(world.requester(user=STRANGER), old.id, private=False)

    assert not new.is_private


async def test_jobs_of_other_guilds_do_not_exist(world: World) -> None:
    """Ids never reach across guilds."""
    old = await delivered(world)

    with pytest.raises(NotFound):
        await world.rerun.again(world.requester(guild=2), old.id, private=False)


async def test_prompt_is_not_given_to_others_where_the_server_hides_prompts(world: World) -> None:
    """The form opens without it; its requester gets it."""
    old = await delivered(world)
    await world.moderation.change(GUILD, 7, {"public_prompts": PublicPrompts.NO})

    theirs = await world.rerun.view(old.id, viewer_id=STRANGER, guild_id=GUILD)
    own = await world.rerun.view(old.id, viewer_id=USER, guild_id=GUILD)

    assert (theirs.prompt, own.prompt) == ("", old.spec.prompt)


async def test_rules_of_now_hold_for_a_repetition(world: World) -> None:
    """What was allowed once may be blocked today."""
    old = await delivered(world, prompt="a red fox")
    await world.moderation.change(GUILD, 7, {"blocked": ("fox",)})

    with pytest.raises(Refused) as refused:
        await world.rerun.again(world.requester(), old.id, private=False)

    assert refused.value.code == "blocked_word"


# --------------------------------------------------------------------------------------------------------- options


async def test_options_are_kept(world: World) -> None:
    """All of them, with another prompt."""
    chosen = {"duration_s": 8, "resolution": "480p", "aspect_ratio": "9:16", "audio": True, "watermark": True}
    old = await delivered(world, **chosen)

    new = await world.rerun.edit(world.requester(), old.id, "a blue cat", [], private=False)

    assert replace(new.spec, prompt=old.spec.prompt, seed=old.spec.seed) == old.spec
    assert new.spec.prompt == "a blue cat"


async def test_chosen_seed_is_kept_by_edit_and_try_again_but_not_by_again(world: World) -> None:
    """Again means another take of the same."""
    old = await delivered(world, seed=42)
    who = world.requester()

    edited = await world.rerun.edit(who, old.id, "a cat", [], private=False)
    retried = await world.rerun.again(who, old.id, private=False, same_seed=True)
    again = await world.rerun.again(who, old.id, private=False)

    assert (edited.spec.seed, retried.spec.seed) == (42, 42)
    assert again.spec.seed != 42


# -------------------------------------------------------------------------------------------------------- files


async def test_again_uses_the_kept_files(world: World) -> None:
    """The same keys; nothing is fetched anew."""
    old = await delivered(world, attachments=(START, SECOND))

    new = await world.rerun.again(world.requester(), old.id, private=False)

    assert new.spec.references == old.spec.references
    assert len(world.intake.stored) == 2


async def test_missing_files_are_named(world: World) -> None:
    """And Again refuses to do without them."""
    old = await delivered(world, attachments=(START, SECOND))
    world.store.gone.add("ref/reference_1")

    seen = await world.rerun.view(old.id, viewer_id=USER, guild_id=GUILD)
    with pytest.raises(Refused) as refused:
        await world.rerun.again(world.requester(), old.id, private=False)

    assert seen.missing == ("reference_1",)
    assert seen.places[:2] == ("reference_1", "start_image")
    assert (refused.value.code, refused.value.params["option"]) == ("reference_gone", "reference_1")


async def test_missing_file_is_attached_again_in_its_place(world: World) -> None:
    """The kept one stays what it was."""
    old = await delivered(world, attachments=(START, SECOND))
    world.store.gone.add("ref/start_image")

    new = await world.rerun.edit(world.requester(), old.id, "a cat", [upload()], private=False)

    assert {one.option: one.role for one in new.spec.references} == {
        "start_image": ReferenceRole.START_IMAGE,
        "reference_1": ReferenceRole.REFERENCE,
    }
    assert world.intake.stored[-1].option == "start_image"


async def test_fewer_files_than_missing_are_refused_by_name(world: World) -> None:
    """Nothing is fetched or held."""
    old = await delivered(world, attachments=(START, SECOND))
    world.store.gone |= {"ref/start_image", "ref/reference_1"}

    with pytest.raises(Refused) as refused:
        await world.rerun.edit(world.requester(), old.id, "a cat", [upload()], private=False)

    assert refused.value.params["option"] == "reference_1"
    assert len(world.intake.stored) == 2


async def test_file_replaces_a_kept_one_and_further_ones_are_added(world: World) -> None:
    """In the order that the form tells."""
    old = await delivered(world, attachments=(START,))

    new = await world.rerun.edit(world.requester(), old.id, "a cat", [upload("1.png"), upload("2.png")], private=False)

    assert [one.option for one in new.spec.references] == ["start_image", "reference_1"]
    assert [one.option for one in world.intake.stored] == ["start_image", "start_image", "reference_1"]


# ------------------------------------------------------------------------------------------------------- extend


async def test_extend_starts_from_the_kept_clips_last_frame(world: World) -> None:
    """Stored as a start image of its own; the old files are not sent along."""
    old = await delivered(world, attachments=(SECOND,), duration_s=8)

    new = await world.rerun.extend(world.requester(), old.id, "it jumps", private=False)

    (frame,) = new.spec.references
    assert (frame.role, frame.option, frame.content_type) == (ReferenceRole.START_IMAGE, "start_image", "image/jpeg")
    assert frame.size_bytes == 10_000
    assert (new.spec.prompt, new.spec.duration_s, new.source_job_id) == ("it jumps", 8, old.id)


@pytest.mark.parametrize(("most_bytes", "role"), [(10**6, ReferenceRole.PREVIOUS_CLIP), (1, ReferenceRole.START_IMAGE)])
async def test_extend_gives_the_clip_itself_where_the_model_continues_clips(
    make_world: Callable[..., World], most_bytes: int, role: ReferenceRole
) -> None:
    """One that is larger than the model takes is continued from its last frame."""
    able = [replace(one, has_previous_clip=True, max_video_bytes=most_bytes) for one in MODELS]
    world = make_world(offered=catalog(models=tuple(able)))
    old = await delivered(world)
    (world.folder / "file").write_bytes(b"clip")

    new = await world.rerun.extend(world.requester(), old.id, "it jumps", private=False)

    assert [one.role for one in new.spec.references] == [role]


@pytest.mark.parametrize("continues_clips", [True, False])
async def test_extend_names_the_providers_own_address_where_we_have_none(
    make_world: Callable[..., World], *, continues_clips: bool
) -> None:
    """Without a public address of ours a provider that fetches references by itself can still fetch what it made."""
    able = [replace(one, has_previous_clip=continues_clips, takes_links=True) for one in MODELS]
    world = make_world(offered=catalog(models=tuple(able)))
    old = await delivered(world)
    await world.change(old, last_frame_url="https://cdn.example/last.png")
    (world.folder / "file").write_bytes(b"clip")

    new = await world.rerun.extend(world.requester(), old.id, "it jumps", private=False)

    (given,) = new.spec.references
    known = (await world.job(old)).result_url if continues_clips else "https://cdn.example/last.png"
    assert known is not None
    assert given.source_url == known


async def test_extend_takes_the_providers_frame_where_the_clip_is_no_longer_kept(world: World) -> None:
    """Fetched under the same checks as any file."""
    old = await delivered(world)
    await world.change(old, clip_key=None, last_frame_url="https://cdn.example/last.png")

    await world.rerun.extend(world.requester(), old.id, "it jumps", private=False)

    assert [one.option for one in world.intake.stored] == ["start_image"]


@pytest.mark.parametrize("url", [None, "https://cdn.example/expired.png"])
async def test_extend_says_that_the_clip_is_gone(
    world: World, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither is left."""
    old = await delivered(world)
    await world.change(old, clip_key=None, last_frame_url=url)

    async def fail(*_: object) -> None:
        raise MediaRejected("download_failed", option="start_image")

    monkeypatch.setattr(world.intake, "store", fail)

    with pytest.raises(Refused) as refused:
        await world.rerun.extend(world.requester(), old.id, "it jumps", private=False)

    assert refused.value.code == "clip_gone"


async def test_refused_extension_keeps_no_frame(world: World) -> None:
    """A suspended member leaves nothing behind."""
    old = await delivered(world)
    await world.moderation.suspend(GUILD, 7, USER, None, "enough")

    with pytest.raises(Refused) as refused:
        await world.rerun.extend(world.requester(), old.id, "it jumps", private=False)

    assert refused.value.code.startswith("suspended")
    assert [key for key in world.store.deleted if key.startswith("references/")]


async def test_only_a_clip_can_be_extended(world: World) -> None:
    """A job that waits has none."""
    waiting = await world.accept()

    with pytest.raises(Refused) as refused:
        await world.rerun.extend(world.requester(), waiting.id, "it jumps", private=False)

    assert refused.value.code == "not_delivered"
