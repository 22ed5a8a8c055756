"""What the operator's command line does beside a running bot shows on the cards."""

from bot.domain.errors import ProviderAmbiguous
from bot.domain.jobs import JobState
from bot.services.operator import fail_job
from bot.services.outside_moves import OutsideMoves
from tests.services.world import World


async def test_a_job_given_up_on_the_command_line_is_redrawn_once(world: World) -> None:
    """The running process draws the card of a job that it did not move itself; older moves are left alone."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    job = await world.accept()
    await world.until_state(job, JobState.UNKNOWN)
    moves = OutsideMoves(world.database, cards=world.cards)
    await moves.look()
    await fail_job(world.database, world.clock, job.id)
    drawn = len(world.messenger.cards)

    await moves.look()
    await world.cards.stop()
    await moves.look()
    await world.cards.stop()

    assert [view.job.state for view in world.messenger.cards[drawn:]] == [JobState.FAILED]
