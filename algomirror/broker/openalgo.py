"""One account's OpenAlgo: orders, books, funds and market data over its REST API."""

import logging
from collections.abc import Callable
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from typing import TypeVar

from algomirror.broker import wire
from algomirror.broker.transport import NoAnswer
from algomirror.broker.transport import NothingWritten
from algomirror.broker.transport import Reply
from algomirror.broker.transport import Transport
from algomirror.clock import Clock
from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookPosition
from algomirror.domain.books import BookTrade
from algomirror.domain.books import Funds
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import format_expiry
from algomirror.domain.option_chain import OptionChain
from algomirror.domain.order import OrderIntent
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import MarginLeg
from algomirror.engine.ports import NotSent as NotSentOutcome
from algomirror.engine.ports import Outcome
from algomirror.engine.ports import Unknown
from algomirror.errors import BadAnswer
from algomirror.errors import NotSent
from algomirror.errors import OutcomeUnknown
from algomirror.errors import Refused

log = logging.getLogger(__name__)

Row = TypeVar("Row")

SEND_DEADLINE_S = 10.0
READ_DEADLINE_S = 4.0
CHAIN_DEADLINE_S = 30.0
ASK_KEY_AGAIN_S = 1800.0
KEY_REFUSED = "OpenAlgo did not accept this API key."


class OpenAlgoBroker:
    """Implements engine.ports.Broker. Safe for several threads if its transports are.

    Orders use `placeorder`, `modifyorder` and `cancelorder` only and never raise: an Outcome says
    what is known. Reads raise errors.BrokerError with a sentence.
    """

    def __init__(
        self,
        *,
        account_id: int,
        host_url: str,
        api_key: str,
        orders: Transport,
        reads: Transport,
        clock: Clock,
    ) -> None:
        self._account_id = account_id
        self._host_url = host_url
        self._api_key = api_key
        self._orders = orders
        self._reads = reads
        self._clock = clock
        self._key_refused_at: float | None = None
        self._said: dict[str, tuple[Any, tuple[Any, ...]]] = {}
        """By endpoint: the last body of a book, and its rows."""

    # --- orders ---------------------------------------------------------------------------
    def place(self, intent: OrderIntent, *, tag: str) -> Outcome:
        return self._send("placeorder", wire.order_body(intent, tag=tag))

    def modify(self, intent: OrderIntent, *, broker_order_id: str, tag: str) -> Outcome:
        body = wire.order_body(intent, tag=tag)
        return self._send("modifyorder", {**body, "orderid": broker_order_id})

    def cancel(self, broker_order_id: str, *, tag: str) -> Outcome:
        return self._send("cancelorder", {"strategy": tag, "orderid": broker_order_id})

    def _send(self, endpoint: str, body: dict[str, Any]) -> Outcome:
        try:
            reply = self._orders.call(
                endpoint, {"apikey": self._api_key, **body}, timeout_s=SEND_DEADLINE_S
            )
        except NothingWritten as failed:
            return NotSentOutcome(reason=failed.sentence)
        except NoAnswer as failed:
            return Unknown(reason=failed.sentence)
        return wire.outcome_of(reply.status, reply.content_type, reply.body)

    # --- books ----------------------------------------------------------------------------
    def order_book(self) -> Sequence[BookOrder]:
        return self._parsed("orderbook", wire.parse_order_book)

    def trade_book(self) -> Sequence[BookTrade]:
        return self._parsed("tradebook", wire.parse_trade_book)

    def _parsed(self, endpoint: str, parse: Callable[[Any], list[Row]]) -> tuple[Row, ...]:
        """A book that says what it said last time is the same object, not parsed again."""
        body = self._read(endpoint)
        known = self._said.get(endpoint)
        if known is not None and known[0] == body:
            return known[1]
        rows = tuple(parse(body))
        self._said[endpoint] = (body, rows)
        return rows

    def position_book(self) -> list[BookPosition]:
        return wire.parse_position_book(self._read("positionbook"))

    def funds(self) -> Funds:
        return wire.parse_funds(self._read("funds"), self._clock.now())

    def mode(self) -> TradingMode:
        return wire.parse_mode(self._read("analyzer"))

    def is_semi_auto(self) -> bool | None:
        """Probed by cancelling an order that cannot exist; None when the answer does not tell."""
        fields = {"strategy": "probe", "orderid": "0"}
        try:
            reply = self._reads.call(
                "cancelorder", {"apikey": self._api_key, **fields}, timeout_s=READ_DEADLINE_S
            )
        except (NothingWritten, NoAnswer):
            return None
        return wire.parse_semi_auto(reply.status, reply.body)

    def ping(self) -> str:
        return wire.parse_ping(self._read("ping", timeout_s=5.0))

    # --- market data ----------------------------------------------------------------------
    def quotes(self, instruments: Sequence[Instrument]) -> dict[Instrument, Quote]:
        symbols = [{"symbol": i.symbol, "exchange": str(i.exchange)} for i in instruments]
        if not symbols:
            return {}
        body = self._read("multiquotes", {"symbols": symbols})
        return wire.parse_multiquotes(body, self._clock.now(), f"rest:{self._account_id}")

    def expiries(self, underlying: str, exchange: Exchange, *, futures: bool) -> list[date]:
        kind = "futures" if futures else "options"
        fields = {"symbol": underlying, "exchange": str(exchange), "instrumenttype": kind}
        return wire.parse_expiries(self._read("expiry", fields))

    def contract(self, instrument: Instrument) -> Contract:
        fields = {"symbol": instrument.symbol, "exchange": str(instrument.exchange)}
        return wire.parse_contract(self._read("symbol", fields))

    def option_chain(
        self, underlying: str, index_exchange: Exchange, expiry: date, *, strikes_each_side: int
    ) -> OptionChain:
        fields = {
            "underlying": underlying,
            "exchange": str(index_exchange),
            "expiry_date": format_expiry(expiry),
            "strike_count": strikes_each_side,
        }
        return wire.parse_chain(self._read("optionchain", fields, timeout_s=CHAIN_DEADLINE_S))

    def margin(self, legs: Sequence[MarginLeg]) -> Decimal:
        positions = [
            {
                "symbol": leg.instrument.symbol,
                "exchange": str(leg.instrument.exchange),
                "action": str(leg.side),
                "quantity": str(leg.quantity),
                "product": str(leg.product),
                "pricetype": "MARKET",
                "price": "0",
            }
            for leg in legs
        ]
        return wire.parse_margin(self._read("margin", {"positions": positions}))

    def close(self) -> None:
        self._orders.close()
        self._reads.close()

    # --- reading --------------------------------------------------------------------------
    def _read(
        self,
        endpoint: str,
        fields: dict[str, Any] | None = None,
        *,
        timeout_s: float = READ_DEADLINE_S,
    ) -> Any:
        """The JSON of a success answer; BrokerError with a sentence otherwise."""
        try:
            reply = self._reads.call(
                endpoint, {"apikey": self._api_key, **(fields or {})}, timeout_s=timeout_s
            )
        except NothingWritten as failed:
            raise NotSent(failed.sentence, account_id=self._account_id) from failed
        except NoAnswer as failed:
            raise OutcomeUnknown(failed.sentence, account_id=self._account_id) from failed
        if reply.status == 200 and isinstance(reply.body, dict):
            return reply.body
        raise Refused(
            self._why_refused(endpoint, reply), account_id=self._account_id, status=reply.status
        )

    def _why_refused(self, endpoint: str, reply: Reply) -> str:
        if not isinstance(reply.body, dict):
            if reply.status == 403:
                return f"OpenAlgo has blocked this machine's address: {str(reply.body)[:200]}"
            return f"{self._host_url} answered HTTP {reply.status}, and not as OpenAlgo does."
        message = wire.message_of(reply.body)
        if "Invalid openalgo apikey" in message and endpoint != "expiry":
            return self._key_or_login()
        return message or f"HTTP {reply.status}"

    def _key_or_login(self) -> str:
        """403 means a bad key or an ended broker login; /expiry checks the key alone.

        A refused key is not asked about again for half an hour: each question counts at OpenAlgo.
        """
        now = self._clock.monotonic()
        if self._key_refused_at is not None and now - self._key_refused_at < ASK_KEY_AGAIN_S:
            return KEY_REFUSED
        self._key_refused_at = None
        try:
            self.expiries("NIFTY", Exchange.NFO, futures=False)
        except Refused:
            self._key_refused_at = now
            return KEY_REFUSED
        except (NotSent, OutcomeUnknown, BadAnswer):
            return "OpenAlgo refused the API key, or its broker login has expired."
        return (
            "OpenAlgo is up but its broker login has expired. "
            f"Log in at {self._host_url} and test again."
        )
