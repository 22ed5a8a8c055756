"""What is registered at Discord, and when."""

from typing import Any

from bot.discord.sync import CatalogueTranslator, command_differences, payload, sync_commands
from bot.i18n import Catalogue
from tests.cogs.conftest import Stage

GUILD_CONTEXT, BOT_DM_CONTEXT = 0, 1
MANAGE_GUILD = 0x20
#: Limits of Discord (interactions/application-commands, Application Command Object).
MOST_OPTIONS = 25
MOST_CHARACTERS = 8000
FOR_MEMBERS = {
    "video",
    "image",
    "storyboard",
    "styles",
    "jobs",
    "balance",
    "help",
    "privacy",
    "Animate image",
    "Report clip",
}
FOR_MODERATORS = {"quota", "settings", "queue", "refund", "usage", "audit", "Show balance"}


async def _commands(stage: Stage) -> dict[str, dict[str, Any]]:
    return {command["name"]: command for command in await payload(stage.env.bot.tree)}


async def test_commands_are_those_of_the_contract(stage: Stage) -> None:
    """Names, places and who may use them; nothing is for user installs."""
    found = await _commands(stage)

    gated = {name for name, c in found.items() if c["default_member_permissions"] == MANAGE_GUILD}
    in_direct = {name for name, c in found.items() if BOT_DM_CONTEXT in c["contexts"]}
    assert set(found) == FOR_MEMBERS | FOR_MODERATORS
    assert gated == FOR_MODERATORS
    assert in_direct == {"jobs", "balance", "help", "privacy"}
    assert all(GUILD_CONTEXT in c["contexts"] and c["integration_types"] == [0] for c in found.values())
    assert [o["name"] for o in found["jobs"]["options"]] == ["list", "show", "cancel", "redeliver"]
    assert [o["name"] for o in found["quota"]["options"]] == [
        "set",
        "grant",
        "revoke",
        "suspend",
        "resume",
        "show",
        "list",
    ]


async def _options(stage: Stage, command: str) -> dict[str, dict[str, Any]]:
    return {option["name"]: option for option in (await _commands(stage))[command]["options"]}


def _choices(option: dict[str, Any]) -> list[str]:
    return [choice["value"] for choice in option["choices"]]


async def test_video_has_every_option_of_every_provider(stage: Stage) -> None:
    """In the contract's order, with the limits that Discord can check itself and the choices of all models."""
    options = await _options(stage, "video")

    assert list(options) == [
        *("prompt", "model", "duration", "resolution", "aspect_ratio", "start_image", "end_image"),
        *("reference_1", "reference_2", "reference_3", "reference_4", "audio", "seed", "style", "rendering"),
        *("fixed_lens", "camera", "motion", "watermark", "sample", "private"),
    ]
    assert (options["prompt"]["min_length"], options["prompt"]["max_length"]) == (3, 6000)
    assert [name for name, option in options.items() if option["required"]] == ["prompt"]
    assert [name for name, option in options.items() if option.get("autocomplete")] == ["model", "style"]
    assert _choices(options["resolution"]) == ["480p", "720p", "1080p", "1080p-plus", "4k"]
    assert _choices(options["aspect_ratio"]) == ["16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "adaptive"]
    assert _choices(options["rendering"]) == ["standard", "real", "wild"]
    assert _choices(options["camera"]) == ["zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down"]
    assert _choices(options["motion"]) == ["low", "high"]


async def test_image_has_every_option_of_the_picture_models(stage: Stage) -> None:
    """One to four pictures; the many shapes are suggested."""
    options = await _options(stage, "image")

    assert list(options) == [
        *("prompt", "model", "aspect_ratio", "resolution", "count", "format"),
        *("reference_1", "reference_2", "reference_3", "reference_4", "rendering", "private"),
    ]
    assert [name for name, option in options.items() if option.get("autocomplete")] == ["model", "aspect_ratio"]
    assert (options["count"]["min_value"], options["count"]["max_value"]) == (1, 4)
    assert _choices(options["resolution"]) == ["1K", "2K", "4K"]
    assert _choices(options["format"]) == ["png", "jpeg"]
    assert _choices(options["rendering"]) == ["standard", "economy"]


async def test_storyboard_takes_its_shots_in_a_form(stage: Stage) -> None:
    """So nothing of it is required."""
    options = await _options(stage, "storyboard")

    assert list(options) == [
        *("model", "resolution", "aspect_ratio", "style", "seed", "audio", "start_image", "private"),
    ]
    assert not any(option["required"] for option in options.values())


async def test_every_command_is_within_discords_limits(stage: Stage) -> None:
    """25 options, 25 choices, and 8000 characters with the longest localisation of each text."""
    for name, command in (await _commands(stage)).items():
        assert _characters(command) <= MOST_CHARACTERS, name
        for option in command.get("options", ()):
            assert len(command["options"]) <= MOST_OPTIONS, name
            assert len(option.get("choices", ())) <= MOST_OPTIONS, (name, option["name"])


def _characters(of: dict[str, Any]) -> int:
    """Count as Discord does: names, descriptions and values, each text in its longest language."""
    texts = 0
    for text in ("name", "description"):
        texts += max(len(one) for one in (of.get(text) or "", *(of.get(f"{text}_localizations") or {}).values()))
    within = [*of.get("options", ()), *of.get("choices", ())]
    return texts + len(str(of.get("value", ""))) + sum(_characters(one) for one in within)


async def test_commands_are_registered_only_when_they_changed(stage: Stage) -> None:
    """The second start leaves Discord alone; another catalogue text does not."""
    assert not await stage.sync(stage.env.bot)

    stage.saved = {key: value.replace('"hash": "', '"hash": "x') for key, value in stage.saved.items()}

    assert await stage.sync(stage.env.bot)


async def test_own_guild_gets_the_commands_and_the_global_set_is_emptied(stage: Stage) -> None:
    """And back: the guild's set is emptied when the setting goes away."""
    client = stage.env.bot
    saved: dict[str, str] = {}

    async def load(key: str) -> str | None:
        return saved.get(key)

    async def save(key: str, text: str) -> None:
        saved[key] = text

    async def sync(guild_id: int | None) -> None:
        await sync_commands(client.tree, application_id=client.application_id, guild_id=guild_id, load=load, save=save)

    async def count(guild_id: int | None) -> int:
        if guild_id is None:
            return len(await client.http.get_global_commands(client.application_id))
        return len(await client.http.get_guild_commands(client.application_id, guild_id))

    await sync(stage.guild.id)
    every = len(FOR_MEMBERS | FOR_MODERATORS)
    assert (await count(stage.guild.id), await count(None)) == (every, 0)

    await sync(None)
    assert (await count(stage.guild.id), await count(None)) == (0, every)


async def test_differences_to_what_is_registered_are_named(stage: Stage) -> None:
    """None after registering; a missing and a foreign command are told apart."""
    client = stage.env.bot
    assert await command_differences(client.tree, application_id=client.application_id, guild_id=None) == []

    client.tree.remove_command("help")

    assert await command_differences(client.tree, application_id=client.application_id, guild_id=None) == ["-help"]


async def test_another_language_localises_what_it_has(stage: Stage) -> None:
    """A catalogue file is all it takes; what it lacks stays English."""

    texts = {"en": {}, "nl": {"command.video.description": "Maak een video", "option.prompt.name": "opdracht"}}
    await stage.env.bot.tree.set_translator(CatalogueTranslator(Catalogue(texts)))

    video = (await _commands(stage))["video"]

    assert video["description_localizations"] == {"nl": "Maak een video"}
    assert video["options"][0]["name_localizations"] == {"nl": "opdracht"}
    assert not video.get("name_localizations")


async def test_another_translation_at_discord_is_a_difference(stage: Stage) -> None:
    """Such as after a new catalogue; what Discord does not tell is not compared."""
    client = stage.env.bot
    texts = {"en": {}, "nl": {"option.prompt.name": "opdracht"}}
    await client.tree.set_translator(CatalogueTranslator(Catalogue(texts)))

    found = await command_differences(client.tree, application_id=client.application_id, guild_id=None)

    assert "~video" in found
