"""`/video` as members see it."""

import discord
import pytest

from bot.domain.money import Credits
from bot.domain.requests import Kind, ReferenceRole
from cogs._options import typed_request
from tests.cogs.conftest import Stage, said
from tests.cogs.offers import offer_all


async def test_accepted_prompt_becomes_a_card_then_a_clip_that_answers_it(stage: Stage) -> None:
    """The placeholder turns into the card; the clip comes as a reply with its buttons."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    card = result.response
    assert card is not None
    assert not card.ephemeral
    assert "a red fox" in card.embeds[0].description
    assert "9.0 credits held" in said(result)

    await stage.work()

    clip = stage.channel.last_message
    assert clip.attachments[0].filename.endswith(".mp4")
    assert clip.reference.message_id == card.id
    assert clip.content.startswith(stage.ann.mention)
    assert [button.label for button in clip.components[0].children] == ["Again", "Edit & rerun", "Extend", "Delete"]


async def test_private_job_is_seen_by_its_requester_only(stage: Stage) -> None:
    """Card and clip are ephemeral."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", private=True)
    await stage.work()

    assert result.ephemeral
    assert result.followups[0].ephemeral
    assert result.followups[0].attachments
    assert not stage.channel.history(viewer=stage.ben)


async def test_every_option_reaches_the_provider(stage: Stage) -> None:
    """What was chosen is what is asked for."""
    await stage.ann.slash(
        stage.channel,
        "video",
        prompt="a red fox",
        model="seedance2-movie/seedance-2.0-fast",
        duration=7,
        resolution="480p",
        aspect_ratio="9:16",
        seed=77,
        start_image=("start.png", b"1"),
        reference_3=("other.png", b"1"),
    )
    await stage.work()

    body = stage.world.provider.creates[0]
    assert (body["model"], body["duration"], body["resolution"], body["ratio"], body["seed"]) == (
        "seedance-2.0-fast",
        7,
        "480p",
        "9:16",
        77,
    )
    assert body["content"] == ["api/uploads/ref/start_image", "api/uploads/ref/reference_3"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"duration": 3}, "clips of 4 to 15 seconds, not 3"),
        ({"duration": 16}, "clips of 4 to 15 seconds, not 16"),
        ({"model": "seedance-9"}, "Choose one of: seedance2-movie/seedance-2.0, seedance2-movie/seedance-2.0-fast"),
        ({"seed": -2}, "A seed is a number from 0"),
        ({"start_image": ("a.png", b"")}, "`start_image` is empty"),
        ({"prompt": "  a        "}, "A prompt has 3 to 6000 characters; this one has 1"),
    ],
)
async def test_wrong_request_is_refused_privately_at_once(stage: Stage, options: dict, sentence: str) -> None:
    """The sentence says what would work; nothing was public, nothing is held."""
    result = await stage.ann.slash(stage.channel, "video", **{"prompt": "a red fox", **options})

    assert result.response.ephemeral
    assert not result.deferred
    assert sentence in result.response.content
    assert await stage.world.entries() == {}


async def test_refusal_after_a_public_placeholder_removes_it_first(stage: Stage) -> None:
    """An empty pool: nobody else sees anything, the member sees the operator's exact command."""
    await stage.restart(guild_pool=Credits(0))

    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    assert stage.channel.history(viewer=stage.ben) == []
    assert result.followups[0].ephemeral
    assert f"`python -m bot pool --guild {stage.guild.id} --credits 100`" in said(result)


async def test_refusal_of_a_private_job_fills_its_placeholder(stage: Stage) -> None:
    """No placeholder is left behind."""
    await stage.restart(guild_pool=Credits(0))

    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", private=True)

    assert result.response.ephemeral
    assert "python -m bot pool" in result.response.content


async def test_too_dear_a_request_is_told_the_cheapest_that_fits(stage: Stage) -> None:
    """Level, what is left, when more is free, what would fit."""
    await stage.restart(member_allowance=Credits(4000))

    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    text = said(result)
    assert "costs 9.0 credits; you have 4.0 left" in text
    assert "More is free <t:" in text
    assert "480p fast, 5 s: 3.6 credits" in text


async def test_channel_closed_to_the_bot_is_refused_with_what_is_missing(stage: Stage) -> None:
    """Before anything is held."""
    closed = stage.guild.create_text_channel(
        "closed",
        overwrites={stage.guild.default_role: discord.PermissionOverwrite(attach_files=False, embed_links=False)},
    )

    result = await stage.ann.slash(closed, "video", prompt="a red fox")

    assert "lacks Attach Files, Embed Links" in result.response.content
    assert result.response.ephemeral
    assert await stage.world.entries() == {}


async def test_private_job_needs_no_permissions_in_the_channel(stage: Stage) -> None:
    """Nothing is posted there."""
    closed = stage.guild.create_text_channel(
        "closed", overwrites={stage.guild.default_role: discord.PermissionOverwrite(attach_files=False)}
    )

    result = await stage.ann.slash(closed, "video", prompt="a red fox", private=True)

    assert "credits held" in said(result)


async def test_models_are_suggested_by_what_is_typed(stage: Stage) -> None:
    """Autocomplete filters."""
    found = await stage.ann.autocomplete(stage.channel, "video", "model", "FAST", prompt="a red fox")

    assert [choice["value"] for choice in found] == ["seedance2-movie/seedance-2.0-fast"]


async def test_models_are_suggested_with_prices_and_those_that_can_first(stage: Stage) -> None:
    """The price is of what the other options ask for."""
    await offer_all(stage)

    plain = await stage.ann.autocomplete(stage.channel, "video", "model", "movie/seedance-2.0", duration=10)
    still = await stage.ann.autocomplete(stage.channel, "video", "model", "", fixed_lens=True)

    assert [choice["name"] for choice in plain] == [
        "seedance2-movie/seedance-2.0 · 720p 10 s: 18.0 credits",
        "seedance2-movie/seedance-2.0-fast · 720p 10 s: 14.4 credits",
    ]
    assert still[0]["name"] == "seedance2ai/seedance2-standard · 720p 5 s: 9.0 credits"
    assert still[-1]["name"] == "seedance-tv/seedance-2.0 · not with these options"
    assert len(still) == 8


def test_files_count_while_only_their_ids_are_known() -> None:
    """Discord sends no files along while a command is typed, and what is half typed is no value yet."""
    typed = {"end_image": discord.Object(id=1), "reference_2": discord.Object(id=2), "duration": "1", "resolution": ""}

    request = typed_request(typed, Kind.VIDEO)

    assert [one.role for one in request.attachments] == [ReferenceRole.END_IMAGE, ReferenceRole.REFERENCE]
    assert (request.duration_s, request.resolution) == (None, None)


async def test_end_image_and_rendering_reach_the_job_and_its_card(stage: Stage) -> None:
    """Every chosen option is shown."""
    await offer_all(stage)

    result = await stage.ann.slash(
        stage.channel,
        "video",
        prompt="a red fox",
        model="seedance2ai/seedance2-pro",
        resolution="4k",
        aspect_ratio="adaptive",
        duration=4,
        start_image=("a.png", b"1"),
        end_image=("b.png", b"1"),
        rendering="standard",
        fixed_lens=True,
        audio=False,
        seed=4_000_000_000,
        private=True,
    )

    assert (
        "seedance2ai/seedance2-pro · 4 s · 4k · adaptive (as the start image) · no sound · standard rendering · "
        "fixed lens · start image · end image · seed 4000000000"
    ) in said(result)


async def test_camera_motion_and_style_reach_the_job_and_its_card(stage: Stage) -> None:
    """Where the model has no sound, nothing is said of it."""
    await offer_all(stage)

    result = await stage.ann.slash(
        stage.channel,
        "video",
        prompt="a red fox",
        model="seedance-tv/seedance-2.0",
        style="*noir*",
        camera="zoom in",
        motion="high",
        seed=7,
    )

    shown = r"seedance-tv/seedance-2.0 · 5 s · 1080p · 16:9 · style \*noir\* · camera: zoom in · high motion · seed 7"
    assert shown in said(result)


async def test_seed_is_not_shown_where_the_model_takes_none(stage: Stage) -> None:
    """It would not repeat anything."""
    await offer_all(stage)

    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", model="seedance2ai/seedance2-mini")

    assert "with sound · standard rendering\n" in said(result) + "\n"
    assert "seed 1" not in said(result)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"end_image": ("a.png", b"1")}, "Models that can: seedance2ai/seedance2-standard"),
        ({"fixed_lens": True}, "Models that can: seedance2ai/seedance2-standard"),
        ({"style": "noir"}, "Models that can: seedance-tv/seedance-2.0."),
        ({"camera": "zoom in"}, "Models that can: seedance-tv/seedance-2.0."),
        ({"motion": "low"}, "Models that can: seedance-tv/seedance-2.0."),
        ({"rendering": "real"}, "Models that can: seedance2ai/seedance2-standard"),
        ({"resolution": "4k"}, "seedance2ai/seedance2-pro"),
        ({"aspect_ratio": "adaptive"}, "seedance2ai/seedance2-standard"),
        ({"model": "seedance2ai/seedance2-mini", "seed": 7}, "Models that can: seedance2-movie/seedance-2.0"),
        ({"model": "seedance-tv/seedance-2.0", "sample": "s1"}, "Models that can: seedance2-movie/seedance-2.0"),
        ({"model": "seedance-tv/seedance-2.0", "watermark": True}, "Models that can: seedance2-movie/seedance-2.0"),
        ({"model": "seedance-tv/seedance-2.0", "audio": True}, "Models that can: seedance2-movie/seedance-2.0"),
    ],
)
async def test_option_that_the_model_lacks_is_refused_with_those_that_have_it(
    stage: Stage, options: dict, sentence: str
) -> None:
    """Privately at once, before anything is held."""
    await offer_all(stage)

    result = await stage.ann.slash(stage.channel, "video", **{"prompt": "a red fox", **options})

    assert sentence in said(result)
    assert result.response.ephemeral
    assert not result.deferred
    assert await stage.world.entries() == {}


async def test_prompt_cannot_ping_or_format(stage: Stage) -> None:
    """Markdown is escaped, and nobody but the requester may be pinged."""
    await stage.ann.slash(stage.channel, "video", prompt=f"**loud** {stage.ben.mention} @everyone\n# big")
    await stage.work()

    clip = stage.channel.last_message
    assert r"\*\*loud\*\* \<@" in clip.content
    assert r"\# big" in clip.content
    assert stage.pinged(clip.id) == {stage.ann.id}


async def test_defect_is_told_with_a_reference_and_leaves_no_placeholder(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the same reference."""

    defect = ZeroDivisionError("inside")

    async def broken(_attachments: object, _model: object) -> tuple:
        raise defect

    stage.world.intake.store = broken  # type: ignore[method-assign]

    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    reference = said(result).rsplit("`", 2)[1]
    assert stage.channel.history(viewer=stage.ben) == []
    assert any(getattr(record, "reference", None) == reference for record in caplog.records)
    assert "inside" not in said(result)
    stage.expected_errors = list(stage.env.errors)
    assert [getattr(error, "original", None) for error in stage.expected_errors] == [defect]
