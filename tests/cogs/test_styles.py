"""`/styles` as members use it."""

from dataclasses import replace

import pytest

from bot.discord.sync import payload
from bot.domain.catalog import MODELS
from bot.domain.errors import ProviderBusy
from tests.cogs.conftest import Stage, said
from tests.services.world import catalog


def offer(stage: Stage, styles: list[str], error: Exception | None = None) -> None:
    """Let the provider's models have styles, and say what it lists."""
    world = stage.world
    world.offered = catalog(models=tuple(replace(model, has_style=True) for model in MODELS))

    async def listed() -> list[str]:
        if error is not None:
            raise error
        return styles

    world.provider.styles = listed  # type: ignore[method-assign]


async def test_styles_lists_them_with_the_models_that_have_them(stage: Stage) -> None:
    """Privately, each as it must be written."""
    offer(stage, ["photorealistic", "film-noir", "a`b*c"])
    await stage.restart()
    shown = await stage.ann.slash(stage.channel, "styles")

    assert shown.ephemeral
    text = said(shown)
    assert "`photorealistic` `film-noir` `ab*c`" in text
    assert "`seedance2-movie/seedance-2.0`" in text
    assert "As of" not in text


async def test_styles_says_when_no_model_has_any(stage: Stage) -> None:
    """And what to do instead."""
    assert "Describe the style in the prompt" in said(await stage.ann.slash(stage.channel, "styles"))


async def test_styles_says_when_the_provider_tells_none(stage: Stage) -> None:
    """Nothing was remembered either."""
    offer(stage, [], ProviderBusy("timeout"))
    await stage.restart()

    assert "does not tell its styles" in said(await stage.ann.slash(stage.channel, "styles"))


async def test_an_old_list_says_how_old_it_is(stage: Stage) -> None:
    """The provider is down since."""
    offer(stage, ["anime"])
    await stage.restart()
    await stage.ann.slash(stage.channel, "styles")
    heard_at = int(stage.world.clock.now().timestamp())
    offer(stage, [], ProviderBusy("timeout"))
    stage.world.clock.advance(7200)
    text = said(await stage.ann.slash(stage.channel, "styles"))

    assert "`anime`" in text
    assert f"<t:{heard_at}:R>" in text


@pytest.mark.parametrize(("count", "length"), [(500, 100), (400, 9)])
async def test_a_long_list_is_cut_where_it_no_longer_fits(stage: Stage, count: int, length: int) -> None:
    """With how many more there are."""
    offer(stage, [f"{number:03}".ljust(length, "x") for number in range(count)])
    await stage.restart()
    text = said(await stage.ann.slash(stage.channel, "styles"))

    shown = text.count("xx` ") + text.count("xx`\n")
    assert shown > 10
    assert f"and {count - shown} more" in text
    assert len(text) < 4096


async def test_styles_is_for_servers_and_everybody(stage: Stage) -> None:
    """Not for direct messages, where nothing can be asked for."""
    (command,) = [one for one in await payload(stage.env.bot.tree) if one["name"] == "styles"]

    assert (command["contexts"], command["integration_types"]) == ([0], [0])
    assert command["default_member_permissions"] is None
