"""What the commands need, in one value; the composition root fills it."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.i18n import Catalogue
from bot.services.budgets import Budgets
from bot.services.cancellation import Cancellation
from bot.services.cards import Cards
from bot.services.delivery import Delivery
from bot.services.generation import Generation
from bot.services.guilds import Guilds
from bot.services.queries import Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The use cases that the commands call. `token_lifetime_s` is how long an interaction's token is taken to live."""

    generation: Generation
    cards: Cards
    cancellation: Cancellation
    delivery: Delivery
    queries: Queries
    budgets: Budgets
    guilds: Guilds
    catalogue: Catalogue
    clock: Clock
    token_lifetime_s: float = 900
