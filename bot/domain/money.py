"""Credits: the one unit of money, kept as integer millicredits."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

MILLI = 1000
QUOTE_STEP_MILLI = 10  # quotes are rounded up to 0.01 credit
MAX_MILLI = 10**15  # a trillion credits: far above any budget, far below a 64-bit column's end


@dataclass(frozen=True, order=True, slots=True)
class Credits:
    """An exact amount of credits. `milli` is in thousandths of a credit and may be negative."""

    milli: int

    def __add__(self, other: "Credits") -> "Credits":
        return Credits(self.milli + other.milli)

    def __sub__(self, other: "Credits") -> "Credits":
        return Credits(self.milli - other.milli)

    def __neg__(self) -> "Credits":
        return Credits(-self.milli)

    def __mul__(self, factor: int) -> "Credits":
        return Credits(self.milli * factor)

    def __bool__(self) -> bool:
        return self.milli != 0

    def __str__(self) -> str:
        """Show at least one and at most three decimals: `9.0`, `11.52`."""
        sign = "-" if self.milli < 0 else ""
        whole, rest = divmod(abs(self.milli), MILLI)
        return f"{sign}{whole}.{f'{rest:03d}'.rstrip('0') or '0'}"

    @property
    def amount(self) -> Decimal:
        """The same amount in credits, as a decimal number."""
        return Decimal(self.milli) / MILLI

    @classmethod
    def parse(cls, text: str) -> "Credits":
        """Read an amount such as `12`, `12.5` or `0.125`.

        Raises:
            ValueError: not a plain number, negative, finer than a millicredit, or above a trillion.
        """
        try:
            value = Decimal(text.strip()) * MILLI
        except ArithmeticError as error:
            raise ValueError(f"not a number of credits: {text!r}") from error
        if not value.is_finite() or value < 0 or value > MAX_MILLI or value != value.to_integral_value():
            raise ValueError(f"not a number of credits: {text!r}")
        return cls(int(value))

    @classmethod
    def from_provider(cls, amount: Decimal, rate: Decimal) -> "Credits":
        """Convert a provider's own credits at `rate` bot credits each, rounded up to 0.01 credit."""
        exact = amount * rate * MILLI
        steps = (exact / QUOTE_STEP_MILLI).to_integral_value(rounding=ROUND_CEILING)
        return cls(int(steps) * QUOTE_STEP_MILLI)


ZERO = Credits(0)

#: A limit of None means unlimited; a limit of zero means none at all.
Limit = Credits | None
