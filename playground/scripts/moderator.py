"""A moderator's day: settings, quotas, rules, approvals, the console, buttons, reports, a member's own data."""

from playground.rig import Rig
from playground.scripts.moderator_approvals import approvals
from playground.scripts.moderator_buttons import buttons, reports
from playground.scripts.moderator_console import console, log_lines
from playground.scripts.moderator_members import first_contact, own_data
from playground.scripts.moderator_quotas import quotas
from playground.scripts.moderator_rules import rules
from playground.scripts.moderator_settings import settings
from playground.scripts.steps import Steps
from playground.scripts.visit import Visit

MODERATOR_SETTINGS = {
    "DISCORD_GUILD_ID": "",
    "POLL_INTERVAL_S": "1",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "6000",
}
"""Without a home server, commands are registered everywhere: direct messages and other servers have them too."""

RENDER_S = 0.3
TASKS = 19
STORIES = (settings, quotas, rules, approvals, buttons, reports, console, log_lines, first_contact, own_data)


async def moderator(rig: Rig, steps: Steps) -> None:
    """Run it. Raises StepFailed at the first step that does not hold."""
    visit = Visit(rig, steps)
    rig.movie.render_s = RENDER_S
    for story in STORIES:
        await story(visit)
    await visit.close(TASKS)
