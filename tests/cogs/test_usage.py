"""`/usage` and `/audit` as moderators see them."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
import pytest
import simcord
from simcord import BackendError, SetupError

from bot.db.engine import Database
from bot.discord.client import BotClient
from bot.discord.messenger import RestMessenger
from bot.discord.render import Renderer
from bot.discord.sync import payload
from bot.domain.money import Credits
from bot.services.config import MoneyRules
from bot.services.levels import LevelBook
from bot.services.usage import Usage as UsageFigures
from bot.services.usage import UsageBy
from cogs import usage as cog
from cogs.errors import answer_error
from cogs.usage import Usage
from tests.cogs.conftest import API_BASE, CATALOGUE, Stage, playing, said
from tests.manual_clock import ManualClock
from tests.services.world import World

PNG = b"\x89PNG\r\n\x1a\n and so on"


@dataclass
class FakeCharts:
    """Notes what it is asked to draw."""

    picture: bytes | None = PNG
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def draw(
        self, *, title: str, unit: str, bars: Sequence[tuple[str, Credits]], is_upright: bool, decimal_mark: str = "."
    ) -> bytes | None:
        """Give the picture."""
        self.asked.append({"title": title, "unit": unit, "bars": list(bars), "is_upright": is_upright})
        return self.picture


@dataclass
class Desk(Stage):
    """The stage with these two commands alone."""

    charts: FakeCharts = field(default_factory=FakeCharts)

    async def make_clip(self, member: simcord.MemberActor | Any) -> None:
        """Let a member's clip be asked for and delivered."""
        await self.world.accept(user=member.id, guild=self.guild.id, channel=self.channel.id)
        await self.work()


@pytest.fixture
async def desk(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """Moderators' figures over a real database."""
    database = Database(sqlite_url)
    world = World(database, ManualClock(), tmp_path, rules=MoneyRules(guild_pool=None))
    charts = FakeCharts()
    figures = UsageFigures(database, world.clock, levels=LevelBook(world.rules))
    client = BotClient(api_base=API_BASE, shard_count=1)
    world.messenger = RestMessenger(client, Renderer(CATALOGUE), world.clock)
    world.restart()
    Usage(SimpleNamespace(catalogue=CATALOGUE, usage=figures, charts=charts)).register(client)

    async def on_error(interaction: discord.Interaction[Any], error: discord.app_commands.AppCommandError) -> None:
        await answer_error(interaction, error, CATALOGUE)

    client.tree.error(on_error)
    async with playing(client) as env:
        made = Desk(env, world, charts=charts)
        assert await made.sync(client)
        await env.settle()
        yield made
    await world.close()
    await database.dispose()


async def table(result: simcord.InteractionResult) -> list[list[str]]:
    """Read the CSV file of an answer."""
    (file,) = [one for one in result.response.attachments if one.filename.endswith(".csv")]
    data = await file.read()
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


async def test_the_commands_are_for_moderators_in_servers(desk: Desk) -> None:
    """Registered so, with the range of days and the choices."""
    found = {command["name"]: command for command in await payload(desk.env.bot.tree)}
    days, by = found["usage"]["options"]

    assert set(found) == {"usage", "audit"}
    assert all(c["default_member_permissions"] == 0x20 and c["contexts"] == [0] for c in found.values())
    assert (days["min_value"], days["max_value"], days["required"]) == (1, 365, False)
    assert [choice["value"] for choice in by["choices"]] == ["day", "member", "model", "channel"]
    assert [option["name"] for option in found["audit"]["options"]] == ["days"]
    with pytest.raises((BackendError, SetupError)):
        await desk.ann.slash(desk.channel, "usage")


async def test_usage_is_chart_table_and_file_in_one_private_reply(desk: Desk) -> None:
    """By day where nothing else is said."""
    await desk.make_clip(desk.ann)

    result = await desk.mo.slash(desk.channel, "usage")

    assert result.ephemeral
    assert [one.filename for one in result.response.attachments] == ["usage.png", "usage-day-2026-03-04.csv"]
    assert "**1 job**: 1 delivered, 0 failed" in said(result)
    assert "`2026-03-04` · 1 job, 1 delivered, 0 failed · 9.0 credits" in said(result)
    assert "and 15 more in the CSV file" in said(result)
    assert "UTC" in result.response.embeds[0].footer.text
    rows = await table(result)
    assert rows[0] == ["day", "jobs", "delivered", "failed", "credits_members", "credits_pool"]
    assert len(rows) == 31
    assert rows[-1] == ["2026-03-04", "1", "1", "0", "9.0", "9.0"]
    assert desk.charts.asked[0]["is_upright"]
    assert desk.charts.asked[0]["bars"][-1] == ("2026-03-04", Credits(9_000))


async def test_members_are_mentioned_without_a_ping_and_named_in_the_file(desk: Desk) -> None:
    """The chart has the table's numbers; whoever is gone stands there by id."""
    for member in (desk.ann, desk.ben, desk.ben):
        await desk.make_clip(member)
    await desk.world.accept(user=4711, guild=desk.guild.id, channel=desk.channel.id)

    result = await desk.mo.slash(desk.channel, "usage", days=7, by="member")

    assert f"1.\u00a0<@{desk.ben.id}> · 2 jobs" in said(result)
    assert not desk.env.backend.get_message(desk.channel.id, result.response.id).ping_user_ids
    rows = await table(result)
    assert rows[0][:2] == ["member_id", "member_name"]
    assert rows[1] == [str(desk.ben.id), "ben", "2", "2", "0", "18.0", "18.0"]
    assert rows[3] == ["4711", "", "1", "0", "0", "0.0", "0.0"]
    assert [label for label, _ in desk.charts.asked[0]["bars"]] == ["1 · ben", "2 · ann", "3 · 4711"]
    assert not desk.charts.asked[0]["is_upright"]


@pytest.mark.parametrize("by", ["model", "channel"])
async def test_models_and_channels_are_named(desk: Desk, by: str) -> None:
    """In table, file and chart."""
    await desk.make_clip(desk.ann)

    result = await desk.mo.slash(desk.channel, "usage", by=by)

    model = "seedance2-movie/seedance-2.0"
    cells, shown, label = {
        "model": ([model], f"`{model}`", f"1 · {model}"),
        "channel": ([str(desk.channel.id), "clips"], f"<#{desk.channel.id}>", "1 · clips"),
    }[by]
    rows = await table(result)
    assert rows[1] == [*cells, "1", "1", "0", "9.0", "9.0"]
    assert shown in said(result)
    assert desk.charts.asked[0]["bars"][0][0] == label


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(), discord.ClientException("closed")])
async def test_names_that_discord_does_not_tell_are_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The figures are there all the same."""

    async def fail(*_args: object, **_kwargs: object) -> list[discord.Member]:
        raise error

    monkeypatch.setattr(discord.Guild, "query_members", fail)
    await desk.make_clip(desk.ann)

    rows = await table(await desk.mo.slash(desk.channel, "usage", by="member"))

    assert rows[1][:3] == [str(desk.ann.id), "", "1"]


async def test_discord_is_not_asked_for_former_members(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands for somebody who deleted their data is no id of anybody's."""
    asked: list[int] = []

    async def note(_guild: discord.Guild, *, user_ids: list[int], **_kwargs: object) -> list[discord.Member]:
        asked.extend(user_ids)
        return []

    monkeypatch.setattr(discord.Guild, "query_members", note)
    await desk.make_clip(desk.ann)
    job = (await desk.world.queries.jobs())[0]
    await desk.world.change(job, user_id=-7)

    rows = await table(await desk.mo.slash(desk.channel, "usage", by="member"))

    assert (asked, rows[1][1]) == ([], "")


async def test_a_name_like_a_formula_is_only_text_in_the_file(desk: Desk) -> None:
    """Members choose their names themselves."""
    eve = desk.guild.add_member(desk.env.create_user("eve"), nick='=HYPERLINK("//x","y")')
    await desk.make_clip(eve)

    rows = await table(await desk.mo.slash(desk.channel, "usage", by="member"))

    assert rows[1][1] == '\'=HYPERLINK("//x","y")'


async def test_without_a_chart_the_rest_is_there(desk: Desk) -> None:
    """And the reply says so."""
    desk.charts.picture = None
    await desk.make_clip(desk.ann)

    result = await desk.mo.slash(desk.channel, "usage", by="member")

    assert "could not be drawn" in said(result)
    assert [one.filename for one in result.response.attachments] == ["usage-member-2026-03-04.csv"]
    assert f"<@{desk.ann.id}>" in said(result)
    assert result.response.embeds[0].image.url is None


async def test_long_tables_end_in_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embed has the first rows; a file that would be too large says what is missing."""
    monkeypatch.setattr(cog, "TABLE_ROWS", 1)
    monkeypatch.setattr(cog, "CSV_BYTES_MAX", 140)
    for member in (desk.ann, desk.ben, desk.mo):
        await desk.make_clip(member)

    result = await desk.mo.slash(desk.channel, "usage", by="member")

    assert "and 2 more in the CSV file" in said(result)
    assert "2 rows at the end did not fit" in said(result)
    assert len(await table(result)) == 2


@pytest.mark.parametrize(("command", "sentence"), [("usage", "No jobs in the last 7"), ("audit", "No changes in the")])
async def test_nothing_to_show_is_a_sentence(desk: Desk, command: str, sentence: str) -> None:
    """Without files."""
    result = await desk.mo.slash(desk.channel, command, days=7)

    assert sentence in said(result)
    assert result.ephemeral
    assert result.response.attachments == []
    assert desk.charts.asked == []


async def test_audit_is_a_file_of_who_changed_what(desk: Desk) -> None:
    """With names where they are known, and reasons that can do no harm."""
    give = {"guild_id": desk.guild.id, "user_id": desk.ann.id, "amount": Credits(5_000), "expires_at": None}
    await desk.world.budgets.grant(actor_id=desk.mo.id, reason="=1+1", **give)
    await desk.world.budgets.set_pool(guild_id=desk.guild.id, actor="operator", limit=None)

    result = await desk.mo.slash(desk.channel, "audit")

    assert "2 changes in the last 30 days" in said(result)
    assert result.ephemeral
    assert [one.filename for one in result.response.attachments] == ["audit-2026-03-04.csv"]
    assert await table(result) == [
        ["at_utc", "actor_id", "actor_name", "action", "subject", "detail", "reason"],
        ["2026-03-04T12:00:00Z", "operator", "", "pool.set", str(desk.guild.id), "unlimited", ""],
        ["2026-03-04T12:00:00Z", str(desk.mo.id), "mo", "quota.grant", str(desk.ann.id), "5.0", "'=1+1"],
    ]


@pytest.mark.parametrize("days", [0, -1, 366, 10**9])
async def test_days_out_of_range_are_refused(days: int) -> None:
    """Even where Discord's own check was passed by: before anything is read, with the range."""
    interaction = SimpleNamespace(guild_id=1)
    with pytest.raises(cog.Refused) as refused:
        cog._checked(interaction, days)

    assert (refused.value.code, dict(refused.value.params)) == ("days_range", {"least": 1, "most": 365})


def test_every_grouping_has_its_words() -> None:
    """Titles and choices, whose keys are put together."""
    for by in UsageBy:
        assert CATALOGUE.has(f"usage.title.{by}")
        assert CATALOGUE.has(f"choice.by_{by}")
        assert by in cog.KEY_COLUMNS
