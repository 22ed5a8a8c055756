"""The styles that providers list: asked for seldom, remembered, and held against what members choose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import ProviderAccount, ProviderBusy, ProviderError, Refused
from bot.domain.requests import GenerationRequest, Spec
from bot.services.styles import Styles
from tests.manual_clock import ManualClock

TV, MOVIE = "seedance-tv", "seedance2-movie"
CATALOG = Catalog.build(providers=[MOVIE, TV], rates={MOVIE: Decimal(1), TV: Decimal(1)})
HOUR, MINUTE = 3600.0, 60.0
LISTED = ["photorealistic", "anime", "cyberpunk", "anime-noir", "film-noir"]


@dataclass
class Lister:
    """A provider that lists styles, or fails to."""

    name: str = TV
    styles_listed: list[str] = field(default_factory=lambda: list(LISTED))
    error: ProviderError | None = None
    hangs: bool = False
    questions: int = 0

    async def styles(self) -> list[str]:
        """Answer as the test wants."""
        self.questions += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.error is not None:
            raise self.error
        return list(self.styles_listed)


@pytest.fixture
def lister() -> Lister:
    """The provider with styles."""
    return Lister()


def styles_of(database: Database, clock: ManualClock, *providers: Lister) -> Styles:
    """The service, as one start of one process makes it."""
    return Styles(database, clock, providers={one.name: one for one in providers}, catalog=CATALOG)  # type: ignore[misc]


@pytest.fixture
def styles(database: Database, clock: ManualClock, lister: Lister) -> Styles:
    """The service with one provider that lists styles and one that has none."""
    return styles_of(database, clock, lister, Lister(MOVIE, []))


def spec(style: str | None, model: str = "seedance-tv/seedance-2.0") -> Spec:
    """A decided request with a style."""
    return replace(CATALOG.decide(GenerationRequest("a red boat", model=model)), style=style)


async def shown(styles: Styles) -> list[str]:
    """What `/styles` lists."""
    return [style for one in await styles.lists() for style in one.styles]


# ------------------------------------------------------------------------------------------------------- asking


async def test_the_list_is_asked_for_once_an_hour(styles: Styles, clock: ManualClock, lister: Lister) -> None:
    """However often it is looked at."""
    for _ in range(3):
        assert await shown(styles) == LISTED
        clock.advance(19 * MINUTE)
    assert lister.questions == 1
    clock.advance(4 * MINUTE)
    lister.styles_listed.append("watercolor")

    assert (await shown(styles))[-1] == "watercolor"
    assert lister.questions == 2


async def test_only_providers_whose_models_have_styles_are_asked(database: Database, clock: ManualClock) -> None:
    """And without any there is nothing to list."""
    movie = Lister(MOVIE)
    styles = styles_of(database, clock, movie)

    assert await styles.lists() == []
    assert (styles.has_models, movie.questions) == (False, 0)


async def test_the_list_names_its_models(styles: Styles, clock: ManualClock) -> None:
    """Those of that provider that take a style."""
    (found,) = await styles.lists()

    assert (found.provider, found.models) == (TV, ("seedance-tv/seedance-2.0",))
    assert (found.answered_at, found.is_stale) == (clock.now(), False)


async def test_a_restart_needs_no_request(
    styles: Styles, database: Database, clock: ManualClock, lister: Lister
) -> None:
    """The next process knows what the last one heard, also when the provider is down."""
    await styles.refresh()
    lister.error = ProviderBusy("http_502")
    restarted = styles_of(database, clock, lister)

    assert await restarted.suggest("") == LISTED
    assert await shown(restarted) == LISTED
    assert lister.questions == 1


@pytest.mark.parametrize("error", [ProviderBusy("http_502"), ProviderAccount("tv_unauthorized")])
async def test_the_old_list_serves_where_nobody_answers(
    styles: Styles, clock: ManualClock, lister: Lister, error: ProviderError
) -> None:
    """It says that it is old; the next question comes five minutes later at the earliest."""
    await styles.refresh()
    heard_at = clock.now()
    lister.error = error
    clock.advance(2 * HOUR)
    (found,) = await styles.lists()
    await styles.lists()

    assert (list(found.styles), found.is_stale, found.answered_at) == (LISTED, True, heard_at)
    assert lister.questions == 2
    lister.error = None
    clock.advance(5 * MINUTE)
    (found,) = await styles.lists()
    assert (found.is_stale, lister.questions) == (False, 3)


async def test_a_provider_that_hangs_does_not_hold_anybody_for_long(
    styles: Styles, lister: Lister, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list is shown then, and none is made up."""
    monkeypatch.setattr("bot.services.styles.ANSWER_TIMEOUT_S", 0.01)
    lister.hangs = True

    assert await styles.lists() == []


async def test_many_who_look_at_once_ask_once(database: Database, clock: ManualClock, lister: Lister) -> None:
    """Over all processes."""
    several = [styles_of(database, clock, lister) for _ in range(4)]
    await asyncio.gather(*(one.refresh() for one in several))

    assert lister.questions == 1


# --------------------------------------------------------------------------------------------------- suggestions


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("", LISTED),
        ("  ANI ", ["anime", "anime-noir"]),
        ("noir", ["anime-noir", "film-noir"]),
        ("p", ["photorealistic", "cyberpunk"]),
        ("x", []),
    ],
)
async def test_suggestions_begin_with_what_was_typed_then_contain_it(
    styles: Styles, typed: str, suggested: list[str]
) -> None:
    """In the provider's order otherwise."""
    await styles.refresh()

    assert await styles.suggest(typed) == suggested


async def test_as_many_are_suggested_as_discord_shows(styles: Styles, lister: Lister) -> None:
    """25."""
    lister.styles_listed = [f"style {number}" for number in range(60)]
    await styles.refresh()

    assert await styles.suggest("style") == lister.styles_listed[:25]


async def test_suggestions_never_ask_the_provider(styles: Styles, lister: Lister) -> None:
    """Where nothing is remembered there are none."""
    assert await styles.suggest("") == []
    assert lister.questions == 0


async def test_what_another_process_heard_is_suggested_within_a_minute(
    styles: Styles, database: Database, clock: ManualClock, lister: Lister
) -> None:
    """Memory is read anew."""
    assert await styles.suggest("") == []
    await styles_of(database, clock, lister).refresh()
    clock.advance(MINUTE)

    assert await styles.suggest("") == LISTED


async def test_a_database_that_is_late_leaves_what_is_remembered(
    styles: Styles, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 ms at most: Discord waits three seconds, members less."""
    await styles.lists()
    clock.advance(2 * MINUTE)

    @asynccontextmanager
    async def read(_self: Database) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield None

    monkeypatch.setattr(Database, "read", read)

    assert await styles.suggest("anime") == ["anime", "anime-noir"]


# ------------------------------------------------------------------------------------------------------- checking


@pytest.mark.parametrize("style", ["anime", None])
async def test_a_listed_style_and_none_pass(styles: Styles, lister: Lister, style: str | None) -> None:
    """Without a question."""
    await styles.refresh()
    asked = lister.questions

    await styles.check(spec(style))

    assert lister.questions == asked


@pytest.mark.parametrize("style", ["Anime", "animee", "oil", "an`ime"])
async def test_an_unknown_style_is_refused_with_those_most_like_it(styles: Styles, style: str) -> None:
    """The provider takes them exactly as it lists them."""
    await styles.refresh()
    with pytest.raises(Refused) as caught:
        await styles.check(spec(style))

    assert (caught.value.code, caught.value.params["style"]) == ("unknown_style", style)
    named = caught.value.params["styles"].split(", ")
    assert set(named) == set(LISTED)
    assert style == "oil" or named[0] == "anime"


async def test_a_style_is_not_refused_where_no_list_is_known(styles: Styles, lister: Lister) -> None:
    """The provider decides then; an empty list is none."""
    await styles.check(spec("anything"))
    lister.styles_listed = []
    await styles.refresh()

    await styles.check(spec("anything"))

    assert await styles.suggest("") == []


async def test_a_style_is_held_against_its_own_providers_list(styles: Styles) -> None:
    """Whether another model has styles at all is for the catalogue."""
    await styles.refresh()

    await styles.check(spec("anything", "seedance2-movie/seedance-2.0"))

    with pytest.raises(Refused):
        await styles.check(spec("anything"))


async def test_a_stale_list_still_refuses(styles: Styles, clock: ManualClock, lister: Lister) -> None:
    """It is the best there is."""
    await styles.refresh()
    lister.error = ProviderBusy("timeout")
    clock.advance(timedelta(days=2).total_seconds())
    await styles.refresh()
    with pytest.raises(Refused):
        await styles.check(spec("oil"))
