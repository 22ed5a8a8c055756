"""The services' fixtures, for the loop that drives them."""

from tests.services.conftest import database, make_world, world

__all__ = ["database", "make_world", "world"]
