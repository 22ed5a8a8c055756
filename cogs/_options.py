"""Options that several commands share: their choices, and what is suggested while somebody types."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.words import Words, choice_key, shorten
from bot.domain.catalog import MODELS, Model
from bot.domain.requests import Attachment, GenerationRequest, Kind, Shot
from bot.i18n import Catalogue
from bot.services.generation import Offer
from cogs._commands import Labels
from cogs._inputs import FILE_OPTIONS
from cogs._replies import Interaction, words_of
from cogs.services import Services

Choices = list[app_commands.Choice[str]]

#: Limits of Discord (interactions/application-commands, Application Command Option Choice Structure).
MAX_CHOICES = 25
CHOICE_CHARS = 100
MODEL_CHARS = 100
STYLE_CHARS = 100

VIDEO_MODELS = tuple(model for model in MODELS if model.kind is Kind.VIDEO)
IMAGE_MODELS = tuple(model for model in MODELS if model.kind is Kind.IMAGE)

#: What stands for the prompt while the prompt is still being typed.
ANY_PROMPT = "any prompt"
_TEXTS = ("resolution", "aspect_ratio", "sample", "rendering", "style", "camera", "motion", "format")
_SWITCHES = ("audio", "watermark", "fixed_lens")
_NUMBERS = {"duration": "duration_s", "seed": "seed", "count": "count"}


def choices(
    catalogue: Catalogue, models: Iterable[Model], **values: Callable[[Model], Iterable[str]]
) -> dict[str, Choices]:
    """Make the choices of options: for each, what any of `models` has, in their order.

    Commands are registered for every installation alike; what the chosen model lacks is refused with those that have
    it.
    """
    known, labels = tuple(models), Labels(catalogue)

    def choice(value: str) -> app_commands.Choice[str]:
        key = choice_key(value)
        return app_commands.Choice(name=labels(key) if catalogue.has(key) else locale_str(value), value=value)

    return {
        option: [choice(value) for value in dict.fromkeys(value for model in known for value in of(model))]
        for option, of in values.items()
    }


async def suggest_models(services: Services, interaction: Interaction, current: str, kind: Kind) -> Choices:
    """Suggest models that contain what is typed, with the price of what the other options ask for. No I/O.

    Those that can do all of it come first.
    """
    return _models(services, interaction, current, typed_request(vars(interaction.namespace), kind))


async def suggest_storyboard_models(services: Services, interaction: Interaction, current: str) -> Choices:
    """As `suggest_models`, for a clip of shots that are not written yet."""
    request = typed_request(vars(interaction.namespace), Kind.VIDEO)
    return _models(services, interaction, current, replace(request, shots=(Shot(ANY_PROMPT),)))


async def suggest_ratios(services: Services, interaction: Interaction, current: str, kind: Kind) -> Choices:
    """Suggest the shapes that the chosen model makes, or any model where none is chosen. No I/O."""
    wanted, words = current.strip().lower(), words_of(interaction, services.catalogue)
    chosen = interaction.namespace.model
    known = [model for model in MODELS if model.kind is kind]
    of_chosen = [model for model in known if model.key == chosen]
    found = dict.fromkeys(ratio for model in of_chosen or known for ratio in model.aspect_ratios)
    named = [(words.choice(ratio), ratio) for ratio in found]
    return [
        app_commands.Choice(name=name, value=ratio)
        for name, ratio in named
        if wanted in ratio or wanted in name.lower()
    ][:MAX_CHOICES]


async def suggest_styles(services: Services, current: str) -> Choices:
    """Suggest styles that the providers list: what is remembered of them, or one short read."""
    found = await services.styles.suggest(current)
    return [app_commands.Choice(name=style, value=style) for style in found if 0 < len(style) <= CHOICE_CHARS]


def typed_request(options: dict[str, Any], kind: Kind) -> GenerationRequest:
    """Build a request of what is typed so far; what is not a value yet counts as not chosen.

    Discord sends only the ids of files while a command is typed: they stand for files that are as they should be.
    """
    chosen: dict[str, Any] = {
        **{field: value for name, field in _NUMBERS.items() if isinstance(value := options.get(name), int)},
        **{name: value for name in _SWITCHES if isinstance(value := options.get(name), bool)},
        **{name: value for name in _TEXTS if isinstance(value := options.get(name), str) and value},
    }
    files = tuple(Attachment(name, role, "", 1, "") for name, role in FILE_OPTIONS.items() if options.get(name))
    return GenerationRequest(prompt=ANY_PROMPT, kind=kind, attachments=files, **chosen)


def _models(services: Services, interaction: Interaction, current: str, request: GenerationRequest) -> Choices:
    wanted, words = current.strip().lower(), words_of(interaction, services.catalogue)
    offers = [offer for offer in services.generation.offers(request) if wanted in offer.model.lower()]
    return [app_commands.Choice(name=_hint(offer, words), value=offer.model) for offer in offers[:MAX_CHOICES]]


def _hint(offer: Offer, words: Words) -> str:
    spec = offer.spec
    if spec is None:
        return shorten(words("model.hint_lacking", model=offer.model), CHOICE_CHARS)
    key = "model.hint_pictures" if spec.kind is Kind.IMAGE else "model.hint"
    return shorten(
        words(
            key,
            model=offer.model,
            resolution=spec.resolution,
            seconds=spec.duration_s,
            count=spec.count,
            credits=offer.cost,
        ),
        CHOICE_CHARS,
    )
