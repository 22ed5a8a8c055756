"""docs/providers.md is complete and true: everything that the providers' documents name, and only code that exists."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest

from bot.domain.catalog import MODELS, Model
from bot.domain.prices import PRICES
from bot.domain.requests import PROMPT_MAX_CHARS
from bot.i18n import Catalogue
from bot.providers import seedance2_movie, seedance2ai, seedance_tv
from bot.providers.seedance2ai_requests import ENDPOINTS
from bot.providers.seedance_tv_problems import OPTIONS
from bot.providers.seedance_tv_requests import CAMERA_MOVES
from bot.settings import Settings
from tests.providers.contract.documents import DOCUMENTS
from tests.providers.contract.page import NOT_USED, PAGE, ROOT, Part, parts, ticked

PROVIDERS = tuple(DOCUMENTS)
CODES = {
    "seedance2-movie": seedance2_movie.ERROR_CODES,
    "seedance2ai": seedance2ai.ERROR_CODES,
    "seedance-tv": seedance_tv.ERROR_CODES,
}
TASK, SEEDANCE2, SEEDANCE = "POST /api/v1/video/task", "POST /api/v1/video/seedance2", "POST /api/v1/video/seedance"
GPT, NANO, VIDEOS = "POST /api/v1/image/gpt-image-2", "POST /api/v1/image/nano-banana-pro", "POST /videos"

Offers = Callable[[Model], Iterable[str]]


def bounds(least: int, most: int) -> tuple[str]:
    """A range as the page writes it."""
    return (f"{least}–{most}",)


def seconds(model: Model) -> Iterable[str]:
    """The lengths that a model is offered with."""
    return bounds(model.min_duration_s, model.max_duration_s)


def words(model: Model) -> Iterable[str]:
    """The longest prompt of a model, which never is shorter than three characters."""
    return bounds(3, model.max_prompt_chars)


def references(model: Model) -> Iterable[str]:
    """How many references a model is offered with, at least one where the parameter is sent."""
    return bounds(1, model.max_references)


#: What the catalogue offers, by the parameter that carries it: all values of the documents, and no other.
OFFERED: tuple[tuple[str, str, str, Offers], ...] = (
    ("seedance2-movie", TASK, "model", lambda m: (m.name,)),
    ("seedance2-movie", TASK, "resolution", lambda m: m.resolutions),
    ("seedance2-movie", TASK, "duration", seconds),
    ("seedance2ai", SEEDANCE2, "channel", lambda m: m.renderings),
    ("seedance2ai", SEEDANCE2, "aspect_ratio", lambda m: m.aspect_ratios),
    ("seedance2ai", SEEDANCE2, "duration", seconds),
    ("seedance2ai", SEEDANCE2, "resolution", lambda m: m.resolutions),
    ("seedance2ai", SEEDANCE2, "prompt", words),
    ("seedance2ai", SEEDANCE2, "media_urls", lambda m: (str(m.max_references),)),
    ("seedance2ai", SEEDANCE2, "quality_tier", lambda m: (ENDPOINTS[m.name].tier or "",)),
    ("seedance2ai", SEEDANCE, "channel", lambda m: m.renderings),
    ("seedance2ai", SEEDANCE, "aspect_ratio", lambda m: m.aspect_ratios),
    ("seedance2ai", SEEDANCE, "duration", seconds),
    ("seedance2ai", SEEDANCE, "resolution", lambda m: m.resolutions),
    ("seedance2ai", SEEDANCE, "prompt", words),
    ("seedance2ai", SEEDANCE, "media_urls", lambda m: (str(m.max_references),)),
    ("seedance2ai", SEEDANCE, "quality_tier", lambda m: (ENDPOINTS[m.name].tier or "",)),
    ("seedance2ai", GPT, "channel", lambda m: m.renderings),
    ("seedance2ai", GPT, "resolution", lambda m: m.resolutions),
    ("seedance2ai", GPT, "aspectRatio", lambda m: m.aspect_ratios),
    ("seedance2ai", GPT, "batchCount", lambda m: bounds(1, m.max_count)),
    ("seedance2ai", GPT, "prompt", words),
    ("seedance2ai", GPT, "imageUrls", references),
    ("seedance2ai", NANO, "image_size", lambda m: m.aspect_ratios),
    ("seedance2ai", NANO, "output_format", lambda m: m.formats),
    ("seedance2ai", NANO, "resolution", lambda m: m.resolutions),
    ("seedance2ai", NANO, "prompt", words),
    ("seedance2ai", NANO, "image_urls", references),
    ("seedance-tv", VIDEOS, "aspect_ratio", lambda m: m.aspect_ratios),
    ("seedance-tv", VIDEOS, "motion_level", lambda m: m.motions),
)


def part(provider: str) -> Part:
    """What the page says of a provider."""
    return parts()[provider]


def models_at(provider: str, endpoint: str) -> list[Model]:
    """The models that are asked for at an endpoint."""
    found = [model for model in MODELS if model.provider == provider]
    if provider != "seedance2ai":
        return found
    return [model for model in found if endpoint == f"POST {seedance2ai.API}{ENDPOINTS[model.name].path}"]


def is_there(where: Part, name: str) -> bool:
    """Whether a name of the column "where" is an option, a setting, or in the files that the part names."""
    if name.startswith("/"):
        command, *rest = name.removeprefix("/").split()
        source = (ROOT / f"cogs/{command}.py").read_text(encoding="utf-8")
        return all(re.search(rf"\b{word}\b", source) for word in (command, *rest))
    return name.lower() in Settings.model_fields or where.knows(name)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_everything_that_the_documents_name_has_its_row(provider: str) -> None:
    """Headers, endpoints, fields of answers, statuses: each once, and none that is not documented."""
    page, document = part(provider), DOCUMENTS[provider]

    assert set(page.table("Headers").by("header")) == document.headers
    named = {row["endpoint"].replace("`", "") for row in page.table("Endpoints").rows}
    assert named == document.endpoints
    assert set(page.table("Answers").by("field")) == document.fields
    assert set(page.table("Statuses").by("status")) == document.statuses


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_parameter_has_its_row_with_its_type_its_default_and_its_values(provider: str) -> None:
    """As they are documented, and no value more or less."""
    rows, document = part(provider).parameters(), DOCUMENTS[provider]

    assert rows.keys() == document.parameters.keys()
    for endpoint, parameters in document.parameters.items():
        assert list(rows[endpoint]) == [one.name for one in parameters], endpoint
        for one in parameters:
            row = rows[endpoint][one.name]
            assert ticked(row["values"]) == list(one.values), (endpoint, one.name)
            assert row["default"].replace("`", "") == one.default, (endpoint, one.name)
            assert row["type"] == f"{one.type}{', required' if one.is_required else ''}", (endpoint, one.name)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_error_code_and_http_status_has_its_row(provider: str) -> None:
    """The codes with their HTTP statuses; statuses also for answers whose code cannot be read.

    The codes of seedance-tv are HTTP statuses themselves."""
    page, document = part(provider), DOCUMENTS[provider]
    codes = page.table("Error codes").by("code")
    heading = next(one for one in page.tables if one.startswith("HTTP status"))
    told = {int(number) for row in page.table(heading).rows for number in re.findall(r"\b\d{3}\b", row["status"])}

    assert {code: int(row["HTTP"]) for code, row in codes.items()} == document.errors
    assert document.http <= (told | set(document.errors.values()) if provider == "seedance-tv" else told)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_code_of_the_adapter_has_a_row_and_a_sentence(provider: str) -> None:
    """What a member is told is written."""
    rows = {code for table in part(provider).tables["Error codes"] for code in table.by("code")}
    catalogue = Catalogue.load()
    details = part("seedance-tv").tables["Error codes"][1].by("code")
    fields = {row["field"].strip("`"): code for code, row in details.items()}

    assert set(CODES[provider]) <= rows
    assert not [code for code in rows if not catalogue.find(f"provider.{code}", "en")]
    assert {field: f"tv_invalid_{option}" for field, option in OPTIONS.items()}.items() <= fields.items()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_row_names_code_that_exists_or_says_why_not(provider: str) -> None:
    """Nothing is claimed that cannot be looked up, and nothing is left out without a reason."""
    page, wrong = part(provider), []
    for table in [one for tables in page.tables.values() for one in tables]:
        for row in table.rows:
            if "where" not in row:
                continue
            names, reason = ticked(row["where"]), list(row.values())[-1]
            is_explained = bool(reason) if row["where"] == NOT_USED else bool(names)
            wrong += [] if is_explained else [(table.heading, row)]
            wrong += [(table.heading, name) for name in names if not is_there(page, name)]

    assert not wrong


@pytest.mark.parametrize(("provider", "endpoint", "parameter", "offers"), OFFERED)
def test_the_catalogue_offers_what_is_documented(provider: str, endpoint: str, parameter: str, offers: Offers) -> None:
    """All values, over the models of the endpoint, and no other."""
    models = models_at(provider, endpoint)
    documented = ticked(part(provider).parameters()[endpoint][parameter]["values"])

    assert models
    assert {value for model in models for value in offers(model)} == set(documented)


def test_what_is_offered_beyond_a_document_is_among_its_open_points() -> None:
    """Shapes of seedance2-movie, movements of seedance-tv: the documents show some of them only."""
    movie, tv = part("seedance2-movie"), part("seedance-tv")
    shown = set(ticked(movie.parameters()[TASK]["ratio"]["values"]))
    ratios = {ratio for model in models_at("seedance2-movie", TASK) for ratio in model.aspect_ratios}
    told = _open(movie, "the list of aspect ratios")
    moves = {word for words in CAMERA_MOVES.values() for word in words}
    seen = {"in", "left"}

    assert shown <= ratios
    assert not [ratio for ratio in ratios if ratio not in told]
    assert moves - seen == set(ticked(_open(tv, "words of the camera")))


def _open(page: Part, about: str) -> str:
    rows = page.table("What the documentation leaves open, and what is assumed").rows
    return next(row["assumed"] for row in rows if row["open"].startswith(about))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_defaults_of_the_models_are_the_documented_ones(provider: str) -> None:
    """A member who chooses nothing gets what the provider's own page would give."""
    columns: dict[str, Callable[[Model], object]] = {
        "resolution": lambda m: m.default_resolution,
        "ratio": lambda m: m.default_aspect_ratio,
        "aspect_ratio": lambda m: m.default_aspect_ratio,
        "image_size": lambda m: m.default_aspect_ratio,
        "duration": lambda m: str(m.default_duration_s),
        "channel": lambda m: m.default_rendering,
        "output_format": lambda m: m.default_format,
        "generate_audio": lambda m: str(m.default_audio).lower(),
    }
    for endpoint, parameters in DOCUMENTS[provider].parameters.items():
        for one in (one for one in parameters if one.default and one.name in columns):
            told = {columns[one.name](model) for model in models_at(provider, endpoint)}
            assert told == {one.default}, (endpoint, one.name)


def test_rules_between_parameters_are_those_of_the_documents() -> None:
    """1080p-plus and 4k on pro; seeds not on mini nor real; auto with 1K; 1:1 not with 4K on standard."""
    models = {model.name: model for model in MODELS if model.provider == "seedance2ai"}
    gpt = models["gpt-image-2"]

    assert [name for name, model in models.items() if {"1080p-plus", "4k"} & set(model.resolutions)] == [
        "seedance2-pro"
    ]
    assert not models["seedance2-mini"].has_seed
    assert all(not models[name].takes_seed("real") for name in models if name.startswith("seedance"))
    assert models["seedance2-pro"].max_seed == models["seedance-pro"].max_seed == 4294967295
    combined = [gpt.combines("auto", resolution, "economy") for resolution in ("1K", "2K", "4K")]
    assert combined == [True, False, False]
    assert not gpt.combines("1:1", "4K", "standard")
    assert gpt.combines("1:1", "4K", "economy")


def test_no_model_takes_fewer_characters_than_the_commands() -> None:
    """A prompt that a command takes is never too long for a provider."""
    assert not [model.key for model in MODELS if model.max_prompt_chars < PROMPT_MAX_CHARS]


def test_documented_prices_are_the_ones_that_are_charged() -> None:
    """The page, the document and the price table say the same."""
    rows = part("seedance2-movie").table("Prices").rows
    page = {(ticked(row["model"])[0], ticked(row["resolution"])[0]): row["credits per second"] for row in rows}
    table = {
        (price.model.partition("/")[2], price.resolution): price.per_second
        for price in PRICES
        if price.model.startswith("seedance2-movie/")
    }

    assert page == DOCUMENTS["seedance2-movie"].prices
    assert {place: Decimal(amount) for place, amount in page.items()} == table
    [default] = [p for p in PRICES if p.place == ("seedance2ai/seedance2-standard", "720p", None, None)]
    assert default.per_second == Decimal(30) / 5


def test_the_page_has_a_part_for_every_provider_and_its_open_points() -> None:
    """Nothing that was guessed is hidden."""
    assert tuple(parts()) == PROVIDERS == tuple(dict.fromkeys(model.provider for model in MODELS))
    for provider in PROVIDERS:
        assert len(part(provider).table("What the documentation leaves open, and what is assumed").rows) >= 15


def test_settings_that_the_page_names_exist() -> None:
    """With the numbers that it gives for them."""
    text = PAGE.read_text(encoding="utf-8")
    names = set(re.findall(r"`(SEEDANCE[A-Z0-9_]+|PUBLIC_BASE_URL|UNKNOWN_[A-Z_]+)`", text))

    assert names
    assert not [name for name in names if name.lower() not in Settings.model_fields]
    for name, number in re.findall(r"`([A-Z0-9_]+(?:MINUTE|CONCURRENCY))`, (\d+)", text):
        assert str(getattr(Settings(), name.lower())) == number
