"""Every test with a `rig` runs once for each provider."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.playground.providers.ai_api import Host, media_host
from tests.providers.contract.jobs import JobWorld, job_world
from tests.providers.contract.rigs import PROVIDERS, Rig, rig_of


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    """A provider's name."""
    name: str = request.param
    return name


@pytest.fixture
async def rig(provider: str) -> AsyncIterator[Rig]:
    """An adapter and its emulator."""
    async with rig_of(provider) as made:
        yield made


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A place from which a provider fetches references."""
    async with media_host() as made:
        yield made


@pytest.fixture
async def world(provider: str, sqlite_url: str, tmp_path: Path) -> AsyncIterator[JobWorld]:
    """A bot with one provider."""
    async with job_world(provider, sqlite_url, tmp_path) as made:
        yield made
