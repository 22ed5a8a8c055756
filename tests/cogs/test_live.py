"""Panels that are redrawn by themselves: bounded in number and time, and never a nuisance."""

from types import SimpleNamespace
from typing import Any

import discord

from cogs._live import LIVES_FOR, MOST_PANELS, LivePanels, Panel
from tests.manual_clock import ManualClock


class Drawer:
    """Notes what is redrawn; panels whose sight is `gone` have been dismissed."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, bool]] = []

    async def __call__(self, panel: Panel[str], is_last: bool) -> str:
        self.drawn.append((panel.sight, is_last))
        if panel.sight == "gone":
            raise discord.NotFound(SimpleNamespace(status=404, reason="Not Found"), {"code": 10008})  # type: ignore[arg-type]
        return panel.sight


def _panel(live: LivePanels[str], sight: str) -> Panel[str]:
    interaction: Any = None
    return Panel(interaction, sight, "", live.ends_at())


async def test_the_oldest_panel_makes_room(clock: ManualClock) -> None:
    """However many moderators open one."""
    drawer = Drawer()
    live: LivePanels[str] = LivePanels(clock, drawer)
    for number in range(MOST_PANELS + 5):
        live.keep(number, _panel(live, str(number)))

    await live.turn()

    assert [sight for sight, _ in drawer.drawn] == [str(number) for number in range(5, MOST_PANELS + 5)]


async def test_a_message_shows_its_newest_sight_alone(clock: ManualClock) -> None:
    """A press takes the place of what the panel showed before."""
    drawer = Drawer()
    live: LivePanels[str] = LivePanels(clock, drawer)
    live.keep(1, _panel(live, "old"))
    live.keep(1, _panel(live, "new"))

    await live.turn()

    assert drawer.drawn == [("new", False)]


async def test_a_dismissed_panel_is_left_alone(clock: ManualClock) -> None:
    """The others go on."""
    drawer = Drawer()
    live: LivePanels[str] = LivePanels(clock, drawer)
    live.keep(1, _panel(live, "gone"))
    live.keep(2, _panel(live, "here"))

    await live.turn()
    await live.turn()

    assert [sight for sight, _ in drawer.drawn] == ["gone", "here", "here"]


async def test_a_panel_ends_with_one_last_drawing(clock: ManualClock) -> None:
    """Before its token dies."""
    drawer = Drawer()
    live: LivePanels[str] = LivePanels(clock, drawer)
    live.keep(1, _panel(live, "here"))

    clock.advance(LIVES_FOR.total_seconds())
    await live.turn()
    await live.turn()

    assert drawer.drawn == [("here", True)]
