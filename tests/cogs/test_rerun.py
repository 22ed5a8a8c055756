"""Edit & rerun, Extend and Share, as members use them: forms, files, and who is told what."""

from dataclasses import replace

import discord
import pytest
import simcord
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.db.jobs import encode_spec
from bot.domain.jobs import JobState
from bot.domain.money import Credits
from bot.domain.rules import PublicPrompts
from cogs._modal_fields import join_prompt, needs_second_field, split_prompt
from tests.cogs.conftest import Stage, said
from tests.cogs.offers import TV, offer_all

START = ("a.png", b"1")


async def _clip(stage: Stage, **options: object) -> tuple[str, simcord.InteractionResult]:
    """Ann's clip: its job, and the answer that she got."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", **options)
    await stage.work()
    return (await stage.world.queries.jobs(user_id=stage.ann.id))[0].id, result


def _fields(shown: simcord.InteractionResult) -> dict[str, dict]:
    """The form's fields by their ids."""
    found = [row["component"] for row in shown.modal["components"] if "component" in row]
    return {field["custom_id"]: field for field in found}


def _texts(shown: simcord.InteractionResult) -> str:
    """What the form says beside its fields."""
    parts = []
    for row in shown.modal["components"]:
        parts += [row.get("content", ""), row.get("label", ""), row.get("description") or ""]
    return "\n".join(parts)


async def _newest(stage: Stage) -> object:
    return (await stage.world.queries.jobs())[0]


# ---------------------------------------------------------------------------------------------------------- edit


async def test_edit_opens_with_the_prompt_and_makes_a_new_clip(stage: Stage) -> None:
    """For whoever pressed it, on their own budget; also after a restart while the form was open."""
    await _clip(stage, duration=8)

    shown = await stage.ben.click(stage.channel.last_message, label="Edit & rerun")
    assert _fields(shown)["prompt"]["value"] == "a red fox"
    await stage.restart()
    card = await stage.ben.submit_modal(shown, {"prompt": "a blue fox"})
    await stage.work()

    assert "a blue fox" in said(card)
    assert not card.ephemeral
    new = await _newest(stage)
    assert (new.user_id, new.spec.prompt, new.spec.duration_s) == (stage.ben.id, "a blue fox", 8)
    assert stage.channel.last_message.content.startswith(stage.ben.mention)


async def test_long_prompt_comes_in_two_fields_and_back_whole(stage: Stage) -> None:
    """Up to 6000 characters."""
    prompt = "\n".join(f"Shot {number}: the fox runs on." for number in range(220))
    assert 5000 < len(prompt) <= 6000
    await stage.ann.slash(stage.channel, "video", prompt=prompt)
    await stage.work()

    shown = await stage.ann.click(stage.channel.last_message, label="Edit & rerun")
    fields = _fields(shown)
    values = {name: fields[name]["value"] for name in ("prompt", "more")}
    assert all(len(value) <= 4000 for value in values.values())
    await stage.ann.submit_modal(shown, values)

    assert (await _newest(stage)).spec.prompt == prompt


@pytest.mark.parametrize("prompt", ["x" * 6000, "word " * 1200, "line\n" * 1200, "🦊" * 2500, "ab", "x" * 4000])
def test_cut_prompt_is_whole_again(prompt: str) -> None:
    """Wherever it is cut; each part fits a field, also where a character counts twice."""
    first, second, letter = split_prompt(prompt)

    assert join_prompt(first, second, letter) == prompt
    assert max(len(part.encode("utf-16-le")) // 2 for part in (first, second)) <= 4000


def test_prompt_that_nearly_fills_a_field_can_grow() -> None:
    """What is added goes on in a new line."""
    first, second, letter = split_prompt("x" * 3900)

    assert second == ""
    assert needs_second_field(first)
    assert join_prompt(first, "more", letter) == "x" * 3900 + "\nmore"


async def test_edit_of_a_private_clip_stays_private(stage: Stage) -> None:
    """The form's answer is ephemeral, and the new job private."""
    _, result = await _clip(stage, private=True)

    shown = await stage.ann.click(result.followups[0].message, label="Edit & rerun")
    card = await stage.ann.submit_modal(shown, {"prompt": "a blue fox"})

    assert card.ephemeral
    assert (await _newest(stage)).is_private


async def test_form_does_not_tell_a_hidden_prompt_to_others(stage: Stage) -> None:
    """Where the server hides prompts."""
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"public_prompts": PublicPrompts.NO})
    await _clip(stage)

    theirs = await stage.ben.click(stage.channel.last_message, label="Edit & rerun")
    own = await stage.ann.click(stage.channel.last_message, label="Edit & rerun")

    assert not _fields(theirs)["prompt"].get("value")
    assert _fields(own)["prompt"]["value"] == "a red fox"


async def test_form_opens_unfilled_where_the_job_is_read_too_late(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord waits three seconds; what is sent is as good."""
    await _clip(stage, start_image=START)
    monkeypatch.setattr("cogs.rerun.LOOK_TIMEOUT_S", 0)

    shown = await stage.ann.click(stage.channel.last_message, label="Edit & rerun")
    card = await stage.ann.submit_modal(shown, {"prompt": "a blue fox"})

    assert not _fields(shown)["prompt"].get("value")
    assert "a blue fox" in said(card)
    assert [one.option for one in (await _newest(stage)).spec.references] == ["start_image"]


async def test_again_that_is_read_too_late_names_the_missing_file_after_the_defer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The placeholder goes, a private sentence comes."""
    await _clip(stage, start_image=START)
    stage.world.store.gone.add("ref/start_image")
    monkeypatch.setattr("cogs.rerun.LOOK_TIMEOUT_S", 0)
    before = len(stage.channel.history())

    refused = await stage.ann.click(stage.channel.last_message, label="Again")

    assert "No longer kept: `start_image`" in said(refused)
    assert refused.followups[0].ephemeral
    assert len(stage.channel.history(viewer=stage.ben)) == before


async def test_refusal_of_an_edited_prompt_takes_the_placeholder_away(stage: Stage) -> None:
    """Nobody else sees anything of it."""
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"blocked": ("blue",)})
    await _clip(stage)
    before = len(stage.channel.history())

    shown = await stage.ann.click(stage.channel.last_message, label="Edit & rerun")
    refused = await stage.ann.submit_modal(shown, {"prompt": "a blue fox"})

    assert refused.followups[0].ephemeral
    assert len(stage.channel.history(viewer=stage.ben)) == before


# --------------------------------------------------------------------------------------------------------- files


async def test_again_without_its_file_opens_the_form_that_names_it(stage: Stage) -> None:
    """The file attached there takes its place."""
    await _clip(stage, start_image=START)
    stage.world.store.gone.add("ref/start_image")

    shown = await stage.ann.click(stage.channel.last_message, label="Again")
    assert "`start_image`" in _texts(shown)
    stage.world.store.gone.clear()
    await stage.ann.submit_modal(shown, {"prompt": "a red fox", "files": [("b.png", b"2")]})

    (reference,) = (await _newest(stage)).spec.references
    assert reference.option == "start_image"


async def test_try_again_on_a_card_without_its_file_opens_the_form_too(stage: Stage) -> None:
    """A cancelled job's file may be gone as well."""
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox", start_image=START)
    await stage.ann.click(card.response.message, label="Cancel")
    stage.world.store.gone.add("ref/start_image")

    shown = await stage.ann.click(card.response.message, label="Try again")

    assert "`start_image`" in _texts(shown)
    assert _fields(shown)["files"]["min_values"] == 1


async def test_failed_card_offers_to_try_again_and_to_edit(stage: Stage) -> None:
    """Edit opens the same form."""
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    await stage.ann.click(card.response.message, label="Cancel")

    shown = await stage.ann.click(card.response.message, label="Edit & rerun")
    again = await stage.ann.submit_modal(shown, {"prompt": "a green fox"})

    assert "a green fox" in said(again)


# -------------------------------------------------------------------------------------------------------- extend


async def test_extend_asks_how_it_goes_on_and_starts_from_the_last_frame(stage: Stage) -> None:
    """The options stay."""
    job, _ = await _clip(stage, duration=8)

    shown = await stage.ben.click(stage.channel.last_message, label="Extend")
    card = await stage.ben.submit_modal(shown, {"prompt": "it jumps"})

    assert "it jumps" in said(card)
    new = await _newest(stage)
    assert (new.source_job_id, new.spec.duration_s) == (job, 8)
    assert [one.option for one in new.spec.references] == ["start_image"]


async def test_extend_says_before_the_form_that_a_model_cannot(stage: Stage) -> None:
    """Nobody writes in vain."""
    job, _ = await _clip(stage)
    await offer_all(stage)
    found = await stage.world.queries.job_for_operator(job)
    await stage.world.change(found, spec=encode_spec(replace(found.spec, model=f"{TV}/seedance-2.0")))

    refused = await stage.ann.click(stage.channel.last_message, label="Extend")

    assert refused.modal is None
    assert "cannot do `start_image`. Models that can:" in said(refused)
    assert refused.ephemeral


async def test_extend_says_that_a_clip_is_gone(stage: Stage) -> None:
    """Privately; the placeholder goes."""
    job, _ = await _clip(stage)
    found = await stage.world.queries.job_for_operator(job)
    await stage.world.change(found, clip_key=None)

    shown = await stage.ann.click(stage.channel.last_message, label="Extend")
    refused = await stage.ann.submit_modal(shown, {"prompt": "it jumps"})

    assert "is no longer kept" in said(refused)
    assert refused.followups[0].ephemeral


# --------------------------------------------------------------------------------------------------------- share


async def test_share_brings_a_private_clip_to_the_channel_once(stage: Stage) -> None:
    """Without a ping; a second press says that it is there."""
    _, result = await _clip(stage, private=True)
    private = result.followups[0].message

    told = await stage.ann.click(private, label="Share")
    shared = stage.channel.last_message
    refused = await stage.ann.click(private, label="Share")

    assert told.ephemeral
    assert "is in" in said(told)
    assert len(shared.attachments) == 1
    assert stage.pinged(shared.id) == set()
    assert "has been shared already" in said(refused)
    labels = [button.label for row in shared.components for button in row.children]
    assert labels == ["Again", "Edit & rerun", "Extend", "Delete"]


async def test_shared_clip_is_repeated_in_public_by_anybody(stage: Stage) -> None:
    """Whoever sees it may."""
    _, result = await _clip(stage, private=True)
    await stage.ann.click(result.followups[0].message, label="Share")

    again = await stage.ben.click(stage.channel.last_message, label="Again")

    assert not again.ephemeral
    assert "a red fox" in said(again)


async def test_delete_takes_the_shared_clip_away(stage: Stage) -> None:
    """From the channel too."""
    _, result = await _clip(stage, private=True)
    await stage.ann.click(result.followups[0].message, label="Share")
    shared = stage.channel.last_message

    await stage.ann.click(shared, label="Delete")

    assert shared.id not in [message.id for message in stage.channel.history()]


async def test_where_the_bot_may_not_post_nothing_is_asked(stage: Stage) -> None:
    """The missing permission is named before a form opens."""
    await _clip(stage)
    clip = stage.channel.last_message
    denied = discord.Permissions(attach_files=True).value
    closed = Overwrite(target_id=stage.guild.id, type=OverwriteType.ROLE, allow=0, deny=denied)
    stage.env.backend.get_channel(stage.channel.id).overwrites.append(closed)

    refused = await stage.ben.click(clip, label="Edit & rerun")

    assert refused.modal is None
    assert "Attach Files" in said(refused)


async def test_edited_job_over_the_threshold_is_quoted_first(stage: Stage) -> None:
    """Privately, and nothing is held."""
    await _clip(stage)
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"confirm_over": Credits(1000)})

    shown = await stage.ann.click(stage.channel.last_message, label="Edit & rerun")
    quoted = await stage.ann.submit_modal(shown, {"prompt": "a blue fox"})

    assert quoted.followups[0].ephemeral
    assert (await _newest(stage)).state is JobState.QUOTED
