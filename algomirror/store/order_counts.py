"""How many requests an account has made on a day, for a budget that outlives the process."""

from datetime import date

from sqlalchemy import Engine
from sqlmodel import Session
from sqlmodel import col
from sqlmodel import func
from sqlmodel import select

from algomirror.domain.order import OrderStatus
from algomirror.store.tables_trading import OrderEventRow
from algomirror.store.tables_trading import OrderTable


def requests_of_day(engine: Engine, account_id: int, day: date) -> int:
    """Orders saved for sending, and the cancels and modifies in their journals.

    An order that in the end did not leave counts too: rather too few entries than too few exits.
    """
    with Session(engine) as session:
        ours = (col(OrderTable.account_id) == account_id, col(OrderTable.session_day) == day)
        placed = session.exec(
            select(func.count())
            .select_from(OrderTable)
            .where(*ours, col(OrderTable.status) != OrderStatus.DENIED)
        ).one()
        asked = session.exec(
            select(func.count())
            .select_from(OrderEventRow)
            .join(OrderTable)
            .where(
                *ours,
                col(OrderEventRow.source) == "engine",
                col(OrderEventRow.from_status) == col(OrderEventRow.to_status),
            )
        ).one()
    return placed + asked
