"""`/image` as members see it."""

import discord
import pytest

from bot.domain.money import Credits
from bot.domain.requests import Kind, ReferenceRole
from tests.cogs.conftest import Stage, said
from tests.cogs.offers import offer_all

PICTURE = ("a.png", b"1")


async def test_pictures_are_asked_for_with_every_option(stage: Stage) -> None:
    """The card shows them all, and nothing that only clips have."""
    await offer_all(stage)

    result = await stage.ann.slash(
        stage.channel,
        "image",
        prompt="a red fox",
        model="seedance2ai/gpt-image-2",
        aspect_ratio="3:2",
        resolution="2K",
        count=3,
        rendering="economy",
        reference_1=PICTURE,
        reference_3=PICTURE,
    )

    spec = (await stage.world.queries.jobs(user_id=stage.ann.id))[0].spec
    assert (spec.kind, spec.count, spec.aspect_ratio, spec.rendering) == (Kind.IMAGE, 3, "3:2", "economy")
    assert [(one.role, one.option) for one in spec.references] == [
        (ReferenceRole.REFERENCE, "reference_1"),
        (ReferenceRole.REFERENCE, "reference_3"),
    ]
    options = "seedance2ai/gpt-image-2 · 3 pictures · 2K · 3:2 · economy rendering · 2 references"
    assert result.response.embeds[0].fields[0].value == options
    assert not result.ephemeral


async def test_format_is_chosen_where_a_model_has_any(stage: Stage) -> None:
    """And the first one is the default."""
    await offer_all(stage)

    await stage.ann.slash(stage.channel, "image", prompt="a fox", model="seedance2ai/nano-banana-pro", format="jpeg")
    await stage.ann.slash(stage.channel, "image", prompt="a fox", model="seedance2ai/nano-banana-pro")

    formats = {job.spec.format for job in await stage.world.queries.jobs(user_id=stage.ann.id)}
    assert formats == {"jpeg", "png"}


async def test_private_pictures_are_seen_by_their_requester_only(stage: Stage) -> None:
    """The card is ephemeral."""
    await offer_all(stage)

    result = await stage.ann.slash(stage.channel, "image", prompt="a red fox", private=True)

    assert result.ephemeral
    assert not stage.channel.history(viewer=stage.ben)


async def test_without_a_provider_of_pictures_the_command_says_so(stage: Stage) -> None:
    """It is registered all the same: commands do not depend on keys."""
    result = await stage.ann.slash(stage.channel, "image", prompt="a red fox")

    assert said(result) == "No model on offer here makes pictures. Use `/video` for clips."
    assert result.ephemeral
    assert not result.deferred


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "seedance2ai/seedance2-pro"}, "use it with `/video`. For pictures choose one of: seedance2ai/gpt"),
        ({"model": "seedance2ai/nano-banana-pro", "count": 2}, "Models that can: seedance2ai/gpt-image-2."),
        ({"format": "png"}, "Models that can: seedance2ai/nano-banana-pro."),
        ({"aspect_ratio": "1:1", "resolution": "4K"}, "but with `economy`"),
        ({"aspect_ratio": "17:1"}, "has no aspect ratio 17:1"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_with_what_can(stage: Stage, options: dict, sentence: str) -> None:
    """Privately, at once, before anything is held."""
    await offer_all(stage)

    result = await stage.ann.slash(stage.channel, "image", **{"prompt": "a red fox", **options})

    assert sentence in said(result)
    assert result.ephemeral
    assert not result.deferred
    assert await stage.world.entries() == {}


async def test_too_many_pictures_for_what_is_left_are_told_the_cheapest_that_fit(stage: Stage) -> None:
    """Pictures have no seconds."""
    await offer_all(stage)
    await stage.restart(member_allowance=Credits(3000))

    result = await stage.ann.slash(
        stage.channel, "image", prompt="a red fox", model="seedance2ai/gpt-image-2", resolution="2K", count=2
    )

    assert "costs 3.6 credits; you have 3.0 left" in said(result)
    assert "1K gpt-image-2: 2.4 credits" in said(result)


async def test_channel_closed_to_the_bot_is_refused(stage: Stage) -> None:
    """As for clips."""
    await offer_all(stage)
    closed = stage.guild.create_text_channel(
        "closed", overwrites={stage.guild.default_role: discord.PermissionOverwrite(attach_files=False)}
    )

    result = await stage.ann.slash(closed, "image", prompt="a red fox")

    assert "lacks Attach Files" in said(result)


async def test_models_are_suggested_with_the_price_of_what_is_typed(stage: Stage) -> None:
    """Those that cannot do it come last and say so."""
    await offer_all(stage)

    found = await stage.ann.autocomplete(stage.channel, "image", "model", "", prompt="", format="jpeg", resolution="4K")

    assert [(one["name"], one["value"]) for one in found] == [
        ("seedance2ai/nano-banana-pro · 4K × 1: 4.8 credits", "seedance2ai/nano-banana-pro"),
        ("seedance2ai/gpt-image-2 · not with these options", "seedance2ai/gpt-image-2"),
    ]


async def test_shapes_are_suggested_for_the_chosen_model(stage: Stage) -> None:
    """All of them while none is chosen."""
    await offer_all(stage)

    every = await stage.ann.autocomplete(stage.channel, "image", "aspect_ratio", "", prompt="a")
    of_one = await stage.ann.autocomplete(
        stage.channel, "image", "aspect_ratio", "3:", prompt="a", model="seedance2ai/nano-banana-pro"
    )

    assert {"1:3", "9:21", "auto"} <= {one["value"] for one in every}
    assert [one["value"] for one in of_one] == ["3:4", "3:2"]
