"""`/storyboard` as members see it: the form, what comes of it, and what is given back."""

import pytest
import simcord

from bot.domain.requests import Shot
from cogs._carried import pack, unpack
from tests.cogs.conftest import Stage, said
from tests.cogs.offers import offer_all

PICTURE = ("a.png", b"1")
TV = "seedance-tv/seedance-2.0"


def _fields(shown: simcord.InteractionResult) -> list[dict]:
    """The form's fields, in their order."""
    return [row["component"] for row in shown.modal["components"]]


def _filled(shown: simcord.InteractionResult, *texts: str) -> dict[str, str]:
    return {field["custom_id"]: text for field, text in zip(_fields(shown), texts, strict=False)}


async def _newest(stage: Stage) -> object:
    return (await stage.world.queries.jobs())[0]


async def test_form_has_a_field_for_each_of_five_shots(stage: Stage) -> None:
    """Paragraphs; only the first is required."""
    shown = await stage.ann.slash(stage.channel, "storyboard")

    fields = _fields(shown)
    assert [(field["style"], field["required"], field["max_length"]) for field in fields] == [
        (2, number == 0, 4000) for number in range(5)
    ]
    assert [row["label"] for row in shown.modal["components"]] == [f"Shot {number}" for number in range(1, 6)]


async def test_shots_become_one_clip_of_ordered_shots(stage: Stage) -> None:
    """Where the model has no scenes, in one prompt; leading seconds are kept, the rest is shared."""
    shown = await stage.ann.slash(stage.channel, "storyboard", resolution="480p", seed=77, start_image=PICTURE)

    card = await stage.ann.submit_modal(shown, _filled(shown, "6s a fox wakes", "it runs", "", "2 s it sleeps"))
    await stage.work()

    body = stage.world.provider.creates[0]
    assert (body["duration"], body["resolution"], body["seed"]) == (11, "480p", 77)
    prompt = (await _newest(stage)).spec.prompt
    assert "Shot 1 (6 s): a fox wakes\nShot 2 (3 s): it runs\nShot 3 (2 s): it sleeps" in prompt
    assert body["content"] == ["api/uploads/ref/start_image"]
    assert "Shot 1 (6 s): a fox wakes\nShot 2 (3 s): it runs\nShot 3 (2 s): it sleeps\n\n" in said(card)
    assert "3 shots" in said(card)
    assert "start image" in said(card)
    assert stage.channel.last_message.attachments[0].filename.endswith(".mp4")


async def test_shots_stay_scenes_where_the_model_has_them(stage: Stage) -> None:
    """With the style and everything else that was chosen."""
    await offer_all(stage)
    shown = await stage.ann.slash(
        stage.channel, "storyboard", model=TV, aspect_ratio="9:16", style="noir", private=True
    )

    card = await stage.ann.submit_modal(shown, _filled(shown, "6s a fox wakes", "4s it runs"))

    spec = (await _newest(stage)).spec
    assert spec.shots == (Shot("a fox wakes", 6), Shot("it runs", 4))
    assert (spec.model, spec.aspect_ratio, spec.style, spec.duration_s) == (TV, "9:16", "noir", 10)
    assert card.ephemeral
    assert "style noir" in said(card)


async def test_form_that_was_open_during_a_restart_still_works(stage: Stage) -> None:
    """Its options travel with it, the start image as well."""
    shown = await stage.ann.slash(stage.channel, "storyboard", seed=5, audio=True, start_image=PICTURE, private=True)

    await stage.restart()
    await stage.ann.submit_modal(shown, _filled(shown, "a fox wakes"))

    job = await _newest(stage)
    assert (job.spec.seed, job.spec.audio, job.is_private) == (5, True, True)
    assert [one.option for one in job.spec.references] == ["start_image"]
    assert stage.world.intake.stored


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": TV, "start_image": PICTURE}, "Models that can: seedance2-movie/seedance-2.0"),
        ({"style": "noir"}, f"Models that can: {TV}."),
        ({"model": "seedance2ai/gpt-image-2"}, "use it with `/image`"),
        ({"model": "seedance-9"}, "Choose one of"),
    ],
)
async def test_wrong_options_are_refused_before_anything_is_written(stage: Stage, options: dict, sentence: str) -> None:
    """No form opens."""
    await offer_all(stage)

    result = await stage.ann.slash(stage.channel, "storyboard", **options)

    assert result.modal is None
    assert sentence in said(result)
    assert result.ephemeral


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (("9s a fox wakes", "9s it runs"), "The shots last 18 seconds together"),
        (("0s a fox wakes",), "Shot 1 can last 1 to 15 seconds, not 0"),
        (("a fox wakes", "6.5s it runs"), "Shot 2 begins with “6.5” seconds; it takes whole ones"),
        (("a fox wakes", "3s a"), "Shot 2 needs 3 to 6000 characters; it has 1"),
    ],
)
async def test_refused_shots_are_given_back(stage: Stage, texts: tuple[str, ...], sentence: str) -> None:
    """As text, and under a button that opens the form with them; nothing is public, nothing is held."""
    shown = await stage.ann.slash(stage.channel, "storyboard", seed=77, start_image=PICTURE)

    refused = await stage.ann.submit_modal(shown, _filled(shown, *texts))

    assert sentence in said(refused)
    assert all(text in said(refused) for text in texts)
    assert stage.channel.history(viewer=stage.ben) == []
    assert await stage.world.entries() == {}
    again = await stage.ann.click(refused.followups[0], label="Edit the shots")
    assert [field.get("value") or "" for field in _fields(again)] == [*texts, *[""] * (5 - len(texts))]
    card = await stage.ann.submit_modal(again, _filled(again, "6s a fox wakes", "4s it runs"))
    assert "9.0 credits" not in said(card)
    job = await _newest(stage)
    assert (job.spec.seed, job.spec.duration_s, len(job.spec.references)) == (77, 10, 1)


async def test_rule_that_refuses_after_the_placeholder_gives_the_shots_back(stage: Stage) -> None:
    """The public placeholder goes first; the shots are shown to their writer alone."""
    await stage.world.set_rules(stage.guild.id, blocked=("fox",))
    shown = await stage.ann.slash(stage.channel, "storyboard")

    refused = await stage.ann.submit_modal(shown, _filled(shown, "6s a *fox* wakes"))

    assert stage.channel.history(viewer=stage.ben) == []
    assert all(message.ephemeral for message in refused.followups)
    assert r"6s a \*fox\* wakes" in said(refused)


async def test_long_shots_are_given_back_as_a_file(stage: Stage) -> None:
    """An embed has no room for them."""
    shown = await stage.ann.slash(stage.channel, "storyboard")
    texts = ["9s " + "x" * 3900, "9s " + "y" * 3900]

    refused = await stage.ann.submit_modal(shown, _filled(shown, *texts))

    assert refused.followups[-1].attachments[0].filename == "storyboard.txt"
    assert refused.followups[-1].ephemeral
    again = await stage.ann.click(refused.followups[0], label="Edit the shots")
    assert [field.get("value") for field in _fields(again)][:2] == texts


async def test_button_of_an_earlier_life_says_where_the_shots_are(stage: Stage) -> None:
    """The text is still above it."""
    shown = await stage.ann.slash(stage.channel, "storyboard")
    refused = await stage.ann.submit_modal(shown, _filled(shown, "99s a fox wakes"))

    await stage.restart()
    result = await stage.ann.click(refused.followups[0], label="Edit the shots")

    assert "use `/storyboard` again" in said(result)


async def test_models_are_suggested_for_shots(stage: Stage) -> None:
    """Those that take a style first, where one is typed."""
    await offer_all(stage)

    found = await stage.ann.autocomplete(stage.channel, "storyboard", "model", "", style="noir")

    assert found[0]["value"] == TV
    assert found[0]["name"].startswith(f"{TV} · 1080p 4 s: ")
    assert found[1]["name"].endswith("· not with these options")


def test_long_options_fit_into_the_forms_ids() -> None:
    """A start image's address with a long name, and everything else that can be chosen."""
    address = (
        "https://cdn.discordapp.com/ephemeral-attachments/1234567890123456789/9876543210987654321/"
        f"{'IMG_20261121_081512_a_rather_long_name_' * 2}.png?ex=68f1a2b3&is=68f05133&hm={'0123456789abcdef' * 4}&"
    )
    carried = {"m": "seedance2-movie/seedance-2.0-fast", "y": "s" * 100, "s": 4_294_967_295, "f": ["n", 9, address]}

    packed = pack(carried, 5)

    assert packed is not None
    rest, ids = packed
    assert len(rest) <= 80
    assert all(1 <= len(one) <= 100 for one in ids)
    assert unpack(rest, dict.fromkeys(reversed(ids), "text")) == carried


async def test_form_that_is_not_whole_is_refused_with_its_text(stage: Stage) -> None:
    """Somebody tampered with it; there is no button then, only the text."""
    shown = await stage.ann.slash(stage.channel, "storyboard", seed=77)
    record = next(iter(reversed(stage.env.backend.interactions.values())))
    record.modal["custom_id"] = "sb3:shots:AAAA"

    refused = await stage.ann.submit_modal(shown, _filled(shown, "a fox wakes"))

    assert "This form could not be read" in said(refused)
    assert "a fox wakes" in said(refused)
