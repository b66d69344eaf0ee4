"""What a broker's night leaves of the books: net positions that carry over, and nothing else."""

from datetime import datetime
from decimal import Decimal

from algomirror.paper.books import Books
from algomirror.paper.exchange import PaperAccount

CARRIED = ("NRML", "CNC")


def begin_day(account: PaperAccount, now: datetime) -> None:
    """Resting orders end, intraday positions are squared off at the last price, the order and
    trade books start empty. Cash of positions that are gone is kept in `Books.earlier_cash`.
    """
    for books in account.every_books:
        for order in list(books.open_orders()):
            order.status = "cancelled"
            account.on_update(order, "cancelled")
        _carry(account, books)
        books.forget_day()
    account.forget_late()


def _carry(account: PaperAccount, books: Books) -> None:
    for key, position in list(books.positions.items()):
        if position.quantity and position.product not in CARRIED:
            last = account.market.ltp(position.symbol, position.exchange) or Decimal(0)
            position.trade(-position.quantity, last)
        books.cash += position.realised
        position.realised = Decimal(0)
        if position.quantity == 0:
            books.earlier_cash += position.cash
            del books.positions[key]
