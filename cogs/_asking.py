"""From a request as typed to a job and its card."""

from bot.domain.requests import GenerationRequest
from cogs._inputs import check_place, requester
from cogs._jobs_shown import show_accepted
from cogs._replies import Interaction, defer, words_of
from cogs.services import Services


async def ask(interaction: Interaction, services: Services, request: GenerationRequest) -> None:
    """Refuse what the request alone shows to be wrong, acknowledge, then hold the credits and queue the job.

    Raises:
        MediaRejected: a file is not what it must be.
        Refused: any rule. Nothing is held.
    """
    if not request.private:
        check_place(interaction, words_of(interaction, services.catalogue))
    spec = services.generation.check(request)
    message_id = await defer(interaction, private=request.private)
    await services.styles.check(spec)
    who = requester(interaction, services, message_id=message_id)
    job = await services.generation.accept(who, request, spec)
    await show_accepted(interaction, services, job)
