"""Every way to a member, and everything in the way."""

from playground.rig import Rig
from playground.scripts.steps import Steps
from playground.scripts.visit import Visit

DELIVERY_SETTINGS = {
    "DISCORD_GUILD_ID": "",
    "INTERACTION_TOKEN_LIFETIME_S": "8",
    "POLL_INTERVAL_S": "1",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "6000",
}


async def delivery(rig: Rig, steps: Steps) -> None:
    """Run it. Raises StepFailed at the first step that does not hold."""
    visit = Visit(rig, steps)
    await visit.close(0)
