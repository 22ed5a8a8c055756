"""What the commands need, in one value; the composition root fills it."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.i18n import Catalogue
from bot.services.approvals import Approvals
from bot.services.board import Board
from bot.services.budgets import Budgets
from bot.services.cancellation import Cancellation
from bot.services.cards import Cards
from bot.services.clip_reports import ClipReports
from bot.services.delivery import Delivery
from bot.services.generation import Generation
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.operator_desk import OperatorDesk
from bot.services.privacy import Privacy
from bot.services.queries import Queries
from bot.services.quotes import Quotes
from bot.services.refunds import Refunds
from bot.services.rerun import Rerun
from bot.services.sharing import Sharing
from bot.services.standing import Standings
from bot.services.styles import Styles
from bot.services.usage import ChartDrawer, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The use cases that the commands call. `token_lifetime_s` is how long an interaction's token is taken to live."""

    generation: Generation
    quotes: Quotes
    approvals: Approvals
    rerun: Rerun
    cards: Cards
    cancellation: Cancellation
    delivery: Delivery
    sharing: Sharing
    queries: Queries
    standings: Standings
    usage: Usage
    charts: ChartDrawer
    board: Board
    budgets: Budgets
    refunds: Refunds
    moderation: Moderation
    clip_reports: ClipReports
    privacy: Privacy
    operator_desk: OperatorDesk
    guilds: Guilds
    styles: Styles
    catalogue: Catalogue
    clock: Clock
    token_lifetime_s: float = 900
    quote_ttl_s: float = 900
