"""The log channel: each line once, in batches, whatever crashes or is closed."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.db import guilds, journal
from bot.db.tables import instance_value, log_line
from bot.discord.journal_text import JournalText
from bot.domain.errors import DeliveryAmbiguous, DeliveryForbidden, DeliveryRetry
from bot.domain.rules import GuildRules
from bot.i18n import Catalogue
from bot.ports import Notice, Posted
from bot.services.journal import MOST_KEPT, Journal
from tests.services.world import GUILD, USER, World

LOG, OTHER_LOG = 5500, 5600
WRITER = JournalText(Catalogue.load())


class Channels:
    """Log channels as Discord keeps them: a nonce seen some minutes ago makes no second message."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, str]] = []
        self.outcomes: list[Exception | Callable[[], Awaitable[None]]] = []
        self.tries = 0
        self._nonces: set[str] = set()

    async def post_notice(self, channel_id: int, notice: Notice) -> Posted:
        self.tries += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        is_taken = isinstance(outcome, DeliveryAmbiguous) or outcome is None or callable(outcome)
        if is_taken and notice.nonce not in self._nonces:
            self._nonces.add(notice.nonce)
            self.shown.append((channel_id, notice.text))
        if callable(outcome):
            await outcome()
        elif outcome is not None:
            raise outcome
        return Posted(channel_id, 1)

    def lines(self) -> list[str]:
        """Every line that people see, oldest first."""
        return [line for _, text in self.shown for line in text.split("\n")]


@pytest.fixture
def channels() -> Channels:
    return Channels()


@pytest.fixture
async def log(world: World, channels: Channels) -> Journal:
    """The journal of a guild that has a log channel."""
    await _settle_rules(world, GuildRules(log_channel_id=LOG))
    return Journal(world.database, world.clock, messenger=channels, writer=WRITER)


async def _settle_rules(world: World, rules: GuildRules, guild_id: int = GUILD) -> None:
    async with world.database.begin() as connection:
        await guilds.save_rules(connection, guild_id, rules)


async def _note(world: World, text: str, guild_id: int = GUILD, times: int = 1) -> None:
    async with world.database.begin() as connection:
        for number in range(times):
            await journal.note(
                connection, guild_id, "refused", now=world.clock.now(), user_id=USER, code=f"{text}{number}"
            )


async def _left(world: World) -> tuple[int, int]:
    """How many lines and claims the database still has."""
    async with world.database.read() as connection:
        lines = (await connection.execute(sa.select(sa.func.count()).select_from(log_line))).scalar_one()
        claims = sa.select(sa.func.count()).where(instance_value.c.key.startswith("journal:"))
        return int(lines), int((await connection.execute(claims)).scalar_one())


async def test_lines_are_posted_once_in_their_order(world: World, log: Journal, channels: Channels) -> None:
    """As few messages as they fit; then nothing of them is left."""
    await _note(world, "word", times=5)

    await log.flush()
    await log.flush()

    assert len(channels.shown) == 1
    assert channels.shown[0][0] == LOG
    assert ["word0" in channels.lines()[0], "word4" in channels.lines()[4]] == [True, True]
    assert await _left(world) == (0, 0)


async def test_many_lines_make_several_messages(world: World, log: Journal, channels: Channels) -> None:
    """Each at most 2000 characters; none is lost."""
    await _note(world, "word", times=150)

    for _ in range(10):
        await log.flush()

    assert len(channels.lines()) == 150
    assert all(len(text) <= 2000 for _, text in channels.shown)
    assert await _left(world) == (0, 0)


async def test_a_guild_without_a_log_channel_gets_no_lines(world: World, log: Journal, channels: Channels) -> None:
    """And one that takes its channel away loses what waits."""
    await _note(world, "other", guild_id=2)
    await _note(world, "word")
    await _settle_rules(world, GuildRules())

    await log.flush()

    assert channels.shown == []
    assert await _left(world) == (0, 0)


async def test_processes_that_flush_at_once_post_each_line_once(world: World, log: Journal, channels: Channels) -> None:
    """One of them claims the lines; the others leave them alone."""
    await _note(world, "word", times=3)
    others = [Journal(world.database, world.clock, messenger=channels, writer=WRITER) for _ in range(3)]

    await asyncio.gather(log.flush(), *(one.flush() for one in others))

    assert (len(channels.lines()), channels.tries) == (3, 1)


async def test_a_crash_after_posting_shows_nothing_twice(world: World, log: Journal, channels: Channels) -> None:
    """Lines that came meanwhile are not lost in the repeated message."""
    await _note(world, "first", times=2)
    channels.outcomes.append(_crash)
    with pytest.raises(RuntimeError):
        await log.flush()
    await _note(world, "second")

    await log.flush()
    assert channels.tries == 1  # claimed: another process may still be at it
    world.clock.advance(91)
    await log.flush()
    await log.flush()

    assert [line.partition("`")[2] for line in channels.lines()] == ["first0`", "first1`", "second0`"]
    assert await _left(world) == (0, 0)


async def _crash() -> None:
    raise RuntimeError("killed")


async def test_a_lost_answer_is_repeated_with_the_same_lines(world: World, log: Journal, channels: Channels) -> None:
    """Under the same nonce, so that nobody sees it twice."""
    await _note(world, "first")
    channels.outcomes.append(DeliveryAmbiguous(0, status=502))
    await log.flush()
    await _note(world, "second")

    world.clock.advance(31)
    await log.flush()
    await log.flush()

    assert [line.partition("`")[2] for line in channels.lines()] == ["first0`", "second0`"]
    assert channels.tries == 3


async def test_retry_after_is_obeyed(world: World, log: Journal, channels: Channels) -> None:
    """Not a second earlier."""
    await _note(world, "word")
    channels.outcomes.append(DeliveryRetry(20028, status=429, retry_after_s=120.0))
    await log.flush()

    world.clock.advance(119)
    await log.flush()
    assert channels.tries == 1
    world.clock.advance(2)
    await log.flush()

    assert len(channels.lines()) == 1


async def test_a_closed_channel_is_told_once_and_its_lines_dropped_after_an_hour(
    world: World, log: Journal, channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    """The tries become rare, and never an error."""
    await _note(world, "word")
    channels.outcomes = [DeliveryForbidden(50013, status=403) for _ in range(100)]

    with caplog.at_level(logging.INFO):
        for _ in range(90):
            await log.flush()
            world.clock.advance(60)

    told = [record for record in caplog.records if record.msg == "journal.channel_closed"]
    assert len(told) == 1
    assert channels.tries < 20
    assert (await _left(world))[0] == 0


async def test_another_channel_begins_anew(world: World, log: Journal, channels: Channels) -> None:
    """Moderators who name an open channel get the lines that waited."""
    await _note(world, "word")
    channels.outcomes.append(DeliveryForbidden(50001, status=403))
    await log.flush()
    await _settle_rules(world, GuildRules(log_channel_id=OTHER_LOG))

    world.clock.advance(31)
    await log.flush()

    assert [channel for channel, _ in channels.shown] == [OTHER_LOG]


async def test_what_waits_is_bounded(world: World, log: Journal, channels: Channels) -> None:
    """The newest lines stay."""
    await _note(world, "word", times=MOST_KEPT + 20)

    for _ in range(40):
        await log.flush()

    assert len(channels.lines()) == MOST_KEPT
    assert "word20`" in channels.lines()[0]


async def test_one_guilds_closed_channel_does_not_hold_up_another(
    world: World, log: Journal, channels: Channels
) -> None:
    """Each waits for itself."""
    await _settle_rules(world, GuildRules(log_channel_id=OTHER_LOG), guild_id=2)
    await _note(world, "closed")
    channels.outcomes.append(DeliveryForbidden(50013, status=403))
    await log.flush()
    await _note(world, "open", guild_id=2)

    await log.flush()

    assert [channel for channel, _ in channels.shown] == [OTHER_LOG]


async def test_a_job_leaves_a_line_when_taken_in_and_when_it_ends(
    world: World, log: Journal, channels: Channels
) -> None:
    """With who, where, what it cost and its end; a private one's prompt is in neither line nor database."""
    await world.accept("a red boat")
    await world.accept("a secret garden", private=True)
    async with world.database.read() as connection:
        kept = [row.detail for row in await connection.execute(sa.select(log_line.c.detail))]
    await world.run_until_quiet()

    for _ in range(5):
        await log.flush()

    said = channels.lines()
    assert not any("secret" in text for text in [*said, *kept])
    ended = [line for line in said if "ended: delivered" in line]
    assert len(ended) == 2
    assert any("9.0 credits" in line and "a red boat" in line and f"<@{USER}>" in line for line in ended)
    assert any("private" in line for line in ended)


async def test_lines_are_in_the_guilds_language(world: World, channels: Channels) -> None:
    """Its `/settings` language, else its own."""
    texts = {"en": {"journal.refused": "Refused: {member}"}, "nl": {"journal.refused": "Geweigerd: {member}"}}
    log = Journal(world.database, world.clock, messenger=channels, writer=JournalText(Catalogue(texts)))
    await _settle_rules(world, replace(GuildRules(log_channel_id=LOG), language="nl"))
    await _note(world, "word")

    await log.flush()

    assert "Geweigerd" in channels.lines()[0]


async def test_an_act_names_who_did_what_to_whom_and_why(world: World, log: Journal, channels: Channels) -> None:
    """A moderator's refund, in words; people are shown as mentions, which ping nobody."""
    member = 80351110224678912
    job = await world.accept("a red boat", user=member)
    await world.run_until_quiet()
    await world.refunds.refund(job.id, guild_id=GUILD, actor_id=81384788765712384, reason="*blurry*")

    for _ in range(5):
        await log.flush()

    line = channels.lines()[-1]
    for part in ("<@81384788765712384>", "refunded a job", f"`{job.id}`", f"<@{member}>, 9.0 credits", r"\*blurry\*"):
        assert part in line, part


@pytest.mark.parametrize(
    ("subject", "detail", "told"),
    [
        ("log_channel_id", "none -> 1455000000000000200", "Log channel · none -> <#1455000000000000200>"),
        ("channels", "+1455000000000000200, -1455000000000000201", "+<#1455000000000000200>, -<#1455000000000000201>"),
        ("moderator_roles", "+1455000000000000111", "Moderators' roles · +<@&1455000000000000111>"),
        ("running_cap", "2 -> 3", "Running jobs per member · 2 -> 3"),
        ("something_new", "a -> b", "`something_new` · a -> b"),
    ],
)
def test_a_setting_goes_by_its_name_in_the_panel(clock: object, subject: str, detail: str, told: str) -> None:
    """And ids are mentions, which ping nobody."""
    act = {"action": "settings", "actor": "81384788765712384", "subject": subject, "detail": detail}

    assert told in WRITER.line("moderator", clock.now(), act, "en-US")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ("moderator", {"action": "x`y", "actor": "1", "subject": "@everyone", "reason": "**hi** [a](http://x)\n# b"}),
        ("job.ended", {}),
        ("job.accepted", {"job_id": "0" * 12, "prompt": "rude " * 200, "user_id": 5, "state": "queued"}),
        ("from.another.version", {"text": "<@1> `*`"}),
    ],
)
def test_a_line_is_one_harmless_line_whatever_is_in_it(event: str, detail: dict, clock: object) -> None:
    """At most 400 characters, no markdown of people's, no line break."""
    text = WRITER.line(event, clock.now(), json.loads(json.dumps(detail)), "en-US")  # type: ignore[attr-defined]

    assert len(text) <= 400
    assert "\n" not in text
    assert "**hi**" not in text
    assert "[a](" not in text
