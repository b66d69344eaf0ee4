"""The contract master behind the recorded exchanges: NIFTY lot 75, the contracts they name."""

from datetime import date
from decimal import Decimal

from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import future_symbol
from algomirror.domain.instrument import option_symbol
from algomirror.paper.master import TICK
from algomirror.paper.master import Master
from algomirror.paper.master import MasterRow

NIFTY_EXPIRIES = (date(2026, 11, 24), date(2026, 12, 1), date(2026, 12, 8), date(2026, 12, 15),
                  date(2026, 12, 29), date(2027, 1, 26))  # fmt: skip
SENSEX_EXPIRIES = (date(2026, 11, 26), date(2026, 12, 3), date(2026, 12, 10), date(2026, 12, 31),
                   date(2027, 1, 28))  # fmt: skip


def recorded_master() -> Master:
    rows: list[MasterRow] = []

    def add(
        symbol: str,
        name: str,
        exchange: str,
        kind: str,
        expiry: date | None = None,
        strike: Decimal | None = None,
        lot: int = 1,
        freeze: int = 1,
    ) -> None:
        rows.append(
            MasterRow(
                id=len(rows) + 1,
                symbol=symbol,
                name=name,
                exchange=exchange,
                expiry=expiry,
                strike=strike,
                lotsize=lot,
                instrumenttype=str(kind),
                tick_size=TICK,
                freeze_qty=freeze,
            )
        )

    for name, exchange in (
        ("NIFTY", "NSE_INDEX"),
        ("FINNIFTY", "NSE_INDEX"),
        ("BANKNIFTY", "NSE_INDEX"),
        ("SENSEX", "BSE_INDEX"),
    ):
        add(name, name, exchange, "INDEX")
    for share in ("SBIN", "RELIANCE", "INFY"):
        add(share, share, "NSE", "EQ")
    for name, exchange, expiries, centre, step, lot in (
        ("NIFTY", "NFO", NIFTY_EXPIRIES, 25000, 50, 75),
        ("SENSEX", "BFO", SENSEX_EXPIRIES, 82000, 100, 20),
    ):
        for expiry in expiries:
            add(future_symbol(name, expiry), name, exchange, "FUT", expiry, None, lot, 1800)
            for n in range(-40, 41):
                strike = Decimal(centre + n * step)
                for kind in OptionType:
                    add(
                        option_symbol(name, expiry, strike, kind),
                        name,
                        exchange,
                        kind,
                        expiry,
                        strike,
                        lot,
                        1800,
                    )
    return Master(rows)
