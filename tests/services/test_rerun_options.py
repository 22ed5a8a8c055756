"""What a repeated job keeps of its options."""

from dataclasses import MISSING, fields, replace
from decimal import Decimal

import pytest

from bot.domain.catalog import Catalog
from bot.domain.jobs import Job, JobState
from bot.domain.requests import Attachment, GenerationRequest, Kind, ReferenceRole, Shot, Spec
from bot.services.rerun import request_of
from tests.discord.jobs import job
from tests.services.fakes import P1
from tests.services.world import World

UNUSUAL = Spec(
    kind=Kind.IMAGE,
    model="seedance2ai/gpt-image-2",
    prompt="a red fox",
    duration_s=7,
    resolution="4K",
    aspect_ratio="9:16",
    audio=True,
    watermark=True,
    seed=77,
    is_seed_chosen=True,
    sample="s1",
    rendering="economy",
    style="noir",
    camera="zoom in",
    motion="high",
    fixed_lens=True,
    count=3,
    format="jpeg",
    shots=(Shot("a red fox", 3), Shot("it runs", 4)),
)
#: The files of a job are kept or attached anew by whoever repeats it.
WITHOUT_FILES = {"attachments"}
THREE_SHOTS = (Shot("a fox wakes", 3), Shot("it runs", 4), Shot("it sleeps", 3))


@pytest.mark.parametrize("option", [one.name for one in fields(GenerationRequest) if one.name not in WITHOUT_FILES])
def test_every_option_of_a_request_survives_a_rerun(option: str) -> None:
    """A new field of a request that a rerun would forget turns this red."""
    default = next(one.default for one in fields(GenerationRequest) if one.name == option)
    old = replace(job(), spec=UNUSUAL)

    kept = getattr(request_of(old, private=True, same_seed=True), option)

    assert kept != (None if default is MISSING else default)
    if option != "private":
        assert kept == getattr(UNUSUAL, option)


def test_every_option_of_a_decided_request_is_one_of_the_request() -> None:
    """What is decided can be asked for again."""
    of_spec = {one.name for one in fields(Spec)} - {"is_seed_chosen", "references"}

    assert of_spec <= {one.name for one in fields(GenerationRequest)}


async def _storyboard(world: World) -> Job:
    return await world.until_state(await world.accept("", shots=THREE_SHOTS), JobState.DELIVERED)


async def test_storyboard_is_made_again_shot_by_shot(world: World) -> None:
    """With the same seconds and the same compiled prompt."""
    old = await _storyboard(world)

    new = await world.rerun.again(world.requester(), old.id, private=False)

    assert new.spec.shots == THREE_SHOTS
    assert (new.spec.prompt, new.spec.duration_s) == (old.spec.prompt, 10)


async def test_storyboard_is_edited_as_a_list_of_its_shots(world: World) -> None:
    """Without the words that were added for the model; each shot stays one."""
    old = await _storyboard(world)
    seen = await world.rerun.view(old.id, viewer_id=old.user_id, guild_id=old.guild_id)
    assert seen.prompt == "Shot 1 (3 s): a fox wakes\nShot 2 (4 s): it runs\nShot 3 (3 s): it sleeps"

    edited = seen.prompt.replace("it runs", "it swims").replace("(3 s): it sleeps", "(5 s): it sleeps")
    new = await world.rerun.edit(world.requester(), old.id, edited, [], private=False)

    assert new.spec.shots == (Shot("a fox wakes", 3), Shot("it swims", 4), Shot("it sleeps", 5))
    assert new.spec.duration_s == 12


async def test_clip_that_follows_a_storyboard_has_its_own_prompt(world: World) -> None:
    """Not the shots that are over."""
    old = await _storyboard(world)
    world.workshop.frame = world.folder / "file"

    new = await world.rerun.extend(world.requester(), old.id, "it wakes again", private=False)

    assert (new.spec.prompt, new.spec.shots) == ("it wakes again", ())


async def test_end_image_stays_one(world: World) -> None:
    """A file that takes its place is an end image too."""
    world.links.has_media = True
    world.offered = _two_providers()
    world.restart()
    files = tuple(
        Attachment(role.value, role, "a.png", 100, "https://cdn.example/a.png")
        for role in (ReferenceRole.START_IMAGE, ReferenceRole.END_IMAGE)
    )
    old = await world.accept(model="seedance2ai/seedance2-standard", attachments=files)
    seen = await world.rerun.view(old.id, viewer_id=old.user_id, guild_id=old.guild_id)
    assert seen.places[:3] == ("start_image", "end_image", "reference_1")

    uploads = [replace(files[0], option="", role=ReferenceRole.REFERENCE, filename=f"{n}.png") for n in range(2)]
    new = await world.rerun.edit(world.requester(), old.id, "a cat", uploads, private=False)

    assert [one.role for one in new.spec.references] == [ReferenceRole.START_IMAGE, ReferenceRole.END_IMAGE]


def _two_providers() -> Catalog:
    return Catalog.build(
        providers=[P1, "seedance2ai"],
        rates={P1: Decimal(1), "seedance2ai": Decimal("0.3")},
        default_model="seedance2-movie/seedance-2.0",
    )
