"""Making a create's exact body: references handed over first, then every option."""

from datetime import timedelta

from bot.clock import Clock
from bot.domain.errors import MediaRejected
from bot.domain.jobs import Job
from bot.domain.requests import Reference
from bot.ports import Links, MediaStore, Provider, Submission, UploadedReference
from bot.services.config import Timings
from bot.services.reference_links import NO_LINK, reference_link


class Composer:
    """Composes creates. No transaction."""

    def __init__(self, clock: Clock, *, store: MediaStore, links: Links, timings: Timings) -> None:
        self._clock = clock
        self._store = store
        self._links = links
        self._link_lifetime = timedelta(seconds=timings.unknown_deadline_s + timings.job_deadline_s)

    async def create(self, held: Job, provider: Provider) -> tuple[bytes, int]:
        """Return a waiting job's create and the number of the attempt that it is.

        A stored one goes again, as the attempt that it was, unless its links have grown old. It was not taken then, as
        no create of a waiting job was, so that another may be made; the key of the old bytes fits no others.

        Raises:
            MediaRejected, ProviderError: as `compose`.
        """
        if held.submit_body is None:
            return await self.compose(held, provider), held.submit_attempt + 1
        if self._is_stale(held, provider):
            return await self.compose(held, provider), held.submit_attempt + 2
        return held.submit_body, held.submit_attempt + 1

    def _is_stale(self, held: Job, provider: Provider) -> bool:
        """Tell whether a stored create's links may expire before it is taken, repeated and made.

        No link is older than its job; half of a link's lifetime is for what comes after the create has left.
        """
        has_links = provider.traits.takes_links and bool(held.spec.references)
        return has_links and self._clock.now() - held.created_at >= self._link_lifetime / 2

    async def compose(self, held: Job, provider: Provider) -> bytes:
        """Hand the references over and return the body, which is stored before it is sent.

        Raises:
            MediaRejected: a reference is no longer kept, or there is no link to it (`no_link`).
            ProviderError: the provider did not take a reference.
        """
        uploads = [await self._hand_over(provider, reference) for reference in held.spec.references]
        callback_url = self._links.callback_url(provider.name, held.id, 1) if provider.traits.has_callback else None
        return provider.compose(held.spec, uploads, callback_url=callback_url).body

    async def _hand_over(self, provider: Provider, reference: Reference) -> UploadedReference:
        """Put a reference where the provider can read it: by upload, or by a link that outlives every try."""
        source = await self._store.local(reference.key)
        if not provider.traits.takes_links:
            return await provider.upload(reference, source)
        now = self._clock.now()
        link = reference_link(self._links, reference, now=now, expires_at=now + self._link_lifetime)
        if link is None:
            raise MediaRejected(NO_LINK, option=reference.option)
        return UploadedReference(reference.role.value, reference.kind, link, reference.duration_s)


def submission_of(held: Job, provider: Provider, body: bytes) -> Submission:
    """Return the create as it goes out: the same bytes and the same key for every try of one attempt."""
    return Submission(body, f"{held.id}-{held.submit_attempt}" if provider.traits.has_idempotency else None)
