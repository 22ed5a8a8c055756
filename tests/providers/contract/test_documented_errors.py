"""Every documented error at every request, and every status of a task, mean what docs/providers.md says of them."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderConflict,
    ProviderError,
    ProviderRejected,
    ProviderTurnedAway,
    TaskNotFound,
)
from bot.domain.requests import MediaKind, Reference, ReferenceRole
from bot.ports import Provider
from tests.providers.contract.page import parts, ticked
from tests.providers.contract.rigs import PROVIDERS, Rig, rig_of
from tests.waiting import until

MEANINGS: dict[str, type[ProviderError]] = {
    "rejected": ProviderRejected,
    "turned away": ProviderTurnedAway,
    "account": ProviderAccount,
    "busy": ProviderBusy,
    "later": ProviderBusy,
    "in doubt": ProviderAmbiguous,
    "conflict": ProviderConflict,
    "not found": TaskNotFound,
}
ROUTES = ("submit", "presign", "status", "list", "balance", "cancel", "styles")
PICTURE = Reference(ReferenceRole.START_IMAGE, MediaKind.IMAGE, "image/png", 4, "0" * 64, key="references/a")

CASES = [
    pytest.param(name, route, id=f"{name}-{route}")
    for name in PROVIDERS
    for route in ROUTES
    if route in parts()[name].table("Error codes").rows[0]
]


async def _listed(provider: Provider) -> None:
    async for _ in provider.list_tasks(since=datetime(2020, 1, 1, tzinfo=UTC)):
        pass


def request(rig: Rig, route: str, source: Path) -> Callable[[], Awaitable[object]]:
    """The request of a column."""
    adapter = rig.adapter
    return {
        "submit": lambda: adapter.submit(rig.create()),
        "presign": lambda: adapter.upload(PICTURE, source),
        "status": lambda: adapter.status("a-task"),
        "list": lambda: _listed(adapter),
        "balance": adapter.balance,
        "cancel": lambda: adapter.cancel("a-task"),
        "styles": adapter.styles,
    }[route]


@pytest.mark.parametrize(("name", "route"), CASES)
async def test_every_documented_error_means_what_the_page_says(name: str, route: str, tmp_path: Path) -> None:
    """With the documented HTTP status; nothing was made, and nothing else is raised."""
    source = tmp_path / "stored"
    source.write_bytes(b"data")
    async with rig_of(name) as rig:
        for row in parts()[name].table("Error codes").rows:
            [code, *_], meaning = ticked(row["code"]), row[route]
            kind = "error" if row["HTTP"] == "200" else "status"
            rig.emulator.faults.add(route, kind, code=code, status=int(row["HTTP"]))
            if meaning == "too late":
                assert await request(rig, route, source)() is None, code
                continue
            with pytest.raises(ProviderError) as caught:
                await request(rig, route, source)()
            assert type(caught.value) is MEANINGS[meaning], code
            assert caught.value.code == code
        assert rig.is_untouched


@pytest.mark.parametrize("name", PROVIDERS)
async def test_every_http_status_without_a_readable_code_means_what_the_page_says(name: str) -> None:
    """A web page in place of the answer, to a create and to a question about a task."""
    heading = next(one for one in parts()[name].tables if one.startswith("HTTP status"))
    async with rig_of(name) as rig:
        for row in parts()[name].table(heading).rows:
            meaning = next(kind for words, kind in MEANINGS.items() if row["submit"].startswith((words, "sent again")))
            for status in map(int, re.findall(r"\b\d{3}\b", row["status"])):
                asked = ProviderAccount if status == 401 else ProviderBusy
                for route, expected in (("submit", meaning), ("status", asked)):
                    rig.emulator.faults.add(route, "html", status=status)
                    with pytest.raises(ProviderError) as caught:
                        await request(rig, route, Path())()
                    assert type(caught.value) is expected, (route, status)
        assert rig.is_untouched


@pytest.mark.parametrize("name", PROVIDERS)
async def test_every_documented_status_means_what_the_page_says(name: str) -> None:
    """A task under way is told to be in each of them."""
    async with rig_of(name) as rig:
        rig.emulator.next_outcome(hang=True)
        task = await rig.submitted()
        await until(lambda: task.status == "processing")
        for row in parts()[name].table("Statuses").rows:
            [task.outcome.status_word] = ticked(row["status"])
            meant, *_ = row["means"].split(",")
            assert (await rig.adapter.status(task.id)).state.value == meant, row
