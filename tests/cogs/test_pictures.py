"""Pictures as members see and use them: their buttons, and a clip that begins with one of them."""

from collections.abc import AsyncIterator

import pytest
import simcord

from bot.domain.requests import Kind
from tests.cogs.conftest import Stage, said
from tests.services.fakes import FakeTask
from tests.services.test_pictures import MODEL, OFFERED

MIB = 1024 * 1024


@pytest.fixture
async def gallery(stage: Stage) -> AsyncIterator[Stage]:
    """A stage where pictures are on offer."""

    def note(task: FakeTask) -> None:
        if task.body["model"] == MODEL.name:
            task.pictures, task.cost = 4, 8

    stage.world.provider.on_submit = note
    stage.world.offered = OFFERED
    stage.world.restart()
    await stage.restart()
    yield stage


async def _made(stage: Stage, **options: object) -> str:
    """Ann's four pictures; returns their job."""
    job = await stage.world.accept(
        user=stage.ann.id,
        guild=stage.guild.id,
        channel=stage.channel.id,
        kind=Kind.IMAGE,
        model=MODEL.key,
        count=4,
        **options,
    )
    await stage.work()
    return job.id


def _select(shown: simcord.InteractionResult) -> dict:
    found = [row["component"] for row in shown.modal["components"] if "component" in row]
    return next(field for field in found if field["custom_id"] == "number")


async def test_pictures_are_posted_with_their_buttons(gallery: Stage) -> None:
    """All four in one message."""
    await _made(gallery)

    message = gallery.channel.last_message

    labels = [button.label for row in message.components for button in row.children]
    assert len(message.attachments) == 4
    assert labels == ["Again", "Edit & rerun", "Animate", "Delete"]
    assert gallery.pinged(message.id) == {gallery.ann.id}


async def test_animate_asks_which_picture_and_makes_a_clip_of_it(gallery: Stage) -> None:
    """For whoever pressed it; also after a restart while the form was open."""
    job = await _made(gallery)

    shown = await gallery.ben.click(gallery.channel.last_message, label="Animate")
    assert [option["value"] for option in _select(shown)["options"]] == ["1", "2", "3", "4"]
    await gallery.restart()
    card = await gallery.ben.submit_modal(shown, {"prompt": "it sails away", "number": ["3"]})

    (new, *_) = await gallery.world.queries.jobs(user_id=gallery.ben.id)
    assert "it sails away" in said(card)
    assert (new.spec.kind, new.source_job_id) == (Kind.VIDEO, job)
    assert [one.option for one in new.spec.references] == ["start_image"]


async def test_delete_takes_every_message_of_the_pictures(gallery: Stage) -> None:
    """Pressed under any of them."""
    gallery.world.workshop.picture_bytes = 9 * MIB
    before = {message.id for message in gallery.channel.history()}
    await _made(gallery)
    posted = [message for message in gallery.channel.history() if message.id not in before]
    assert [len(message.attachments) for message in posted] == [2, 2]

    await gallery.ann.click(posted[1], label="Delete")

    assert {message.id for message in gallery.channel.history()} == before
