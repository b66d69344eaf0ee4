"""One leg of the builder: its fields on one line, what it means right now below."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nicegui import ui

from algomirror.clock import SystemClock
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.pricing import YEAR_S
from algomirror.domain.pricing import greeks
from algomirror.domain.pricing import implied_volatility
from algomirror.domain.sizing import slices
from algomirror.services.planning import LegPreview
from pages import formats as f
from pages.components.live import LegLine
from pages.components.widgets import button
from pages.components.widgets import dense

EXPIRIES = {"current_week": "Current week", "next_week": "Next week",
            "current_month": "Current month", "next_month": "Next month"}  # fmt: skip
RULES = {"ATM": "ATM", "OTM": "OTM", "ITM": "ITM", "strike_price": "Strike"}
TYPES = {"MARKET": "Market", "LIMIT": "Limit", "SL": "SL", "SL-M": "SL-M"}


class LegEditor:
    """Ten controls and one live line."""

    def __init__(
        self,
        number: int,
        leg: dict[str, Any],
        *,
        on_change: Callable[[], None],
        act: Callable[[int, str], None],
    ) -> None:
        self._leg = leg
        self._changed = on_change
        self._fields: dict[str, Any] = {}
        with ui.element("div").classes("leg"):
            with (
                ui.element("div")
                .classes("ed")
                .style("grid-template-columns:100px 74px 62px 118px 82px 76px 52px 84px 1fr")
            ):
                self._select("instrument", {n: n for n in UNDERLYINGS}, "Instrument")
                self._select("action", {"BUY": "BUY", "SELL": "SELL"}, "Side")
                self._select("option_type", {"CE": "CE", "PE": "PE"}, "Option type")
                self._select("expiry", EXPIRIES, "Expiry")
                self._select("strike_selection", RULES, "Strike rule")
                with ui.element("div").classes("cell"):
                    self._input("strike_offset", "Strikes away")
                    self._input("strike_price", "Strike")
                self._input("lots", "Lots")
                self._select("order_type", TYPES, "Order type")
                with ui.element("div").classes("rw g4"):
                    for symbol, what in (("copy", "duplicate"), ("x", "remove")):
                        button("", lambda w=what: act(number, w), kind="bs q", symbol=symbol
                               ).props(f'aria-label="{what} leg {number + 1}"')  # fmt: skip
            with (
                ui.element("div").classes("rw wr").style("margin:6px 0 0 0;gap:8px") as self._prices
            ):
                self._input("limit_price", "Limit price", width=120)
                self._input("trigger_price", "Trigger price", width=120)
            self._line = LegLine({})
        self._arrange()

    def _select(self, name: str, options: dict[str, str], label: str) -> None:
        value = self._leg.get(name)
        element = dense(ui.select(options, value=value if value in options else None,
                                  on_change=self._on_change))  # fmt: skip
        self._fields[name] = element.props(f'aria-label="{label}"')

    def _input(self, name: str, label: str, *, width: int = 0) -> None:
        value = str(self._leg.get(name, "") if self._leg.get(name) is not None else "")
        element = dense(ui.input(value=value, on_change=self._on_change))
        element.props(f'placeholder="{label}" aria-label="{label}"')
        if width:
            element.style(f"width:{width}px")
        self._fields[name] = element

    def _on_change(self) -> None:
        self._arrange()
        self._changed()

    def _arrange(self) -> None:
        """Only the fields that the rule and the type need are shown."""
        rule = self._fields["strike_selection"].value
        kind = self._fields["order_type"].value
        self._fields["strike_price"].set_visibility(rule == "strike_price")
        self._fields["strike_offset"].set_visibility(rule in ("ITM", "OTM"))
        self._fields["limit_price"].set_visibility(kind in ("LIMIT", "SL"))
        self._fields["trigger_price"].set_visibility(kind in ("SL", "SL-M"))
        self._prices.set_visibility(kind != "MARKET")

    def raw(self) -> dict[str, Any]:
        return {**self._leg, **{name: e.value for name, e in self._fields.items()}}

    def show_problems(self, by_field: dict[str, str]) -> None:
        for name, element in self._fields.items():
            message = by_field.get(name)
            element.props(remove="error error-message")
            if message:
                element.props["error"] = True
                element.props["error-message"] = message
            element.update()

    def show_error(self, sentence: str) -> None:
        self._line.run_method("patch", {"error": sentence})

    def show(self, preview: LegPreview, sets: dict[int, int]) -> None:
        """The resolved contract with price, volatility, delta, quantity and slices."""
        contract, quote = preview.contract, preview.quote
        if preview.error or contract is None or quote is None:
            self.show_error(preview.error or "no price")
            return
        lots = int(self._fields["lots"].value or 1)
        quantity = lots * contract.lot_size
        largest = quantity * max(sets.values(), default=1)
        iv, delta = _model(preview)
        self._line.run_method(
            "patch",
            {
                "symbol": contract.symbol,
                "ltp": str(quote.ltp),
                "bid": str(quote.bid),
                "ask": str(quote.ask),
                "at": f.milliseconds(preview.at),
                "iv": iv,
                "delta": delta,
                "quantity": quantity * sum(sets.values()) if sets else quantity,
                "slices": len(slices(largest, contract.lot_size, contract.freeze_quantity)),
            },
        )


def years_left(preview: LegPreview) -> float:
    contract = preview.contract
    if contract is None:
        return 0.0
    now = SystemClock().now()
    end = now.replace(
        year=contract.expiry.year, month=contract.expiry.month, day=contract.expiry.day,
        hour=15, minute=30, second=0, microsecond=0,
    )  # fmt: skip
    return max((end - now).total_seconds(), 0.0) / YEAR_S


def sigma_of(preview: LegPreview) -> float | None:
    contract, quote = preview.contract, preview.quote
    if contract is None or quote is None or contract.option_type is None or not preview.spot:
        return None
    return implied_volatility(
        float(quote.ltp), float(preview.spot), float(contract.strike or Decimal(0)),
        years_left(preview), contract.option_type,
    )  # fmt: skip


def _model(preview: LegPreview) -> tuple[str, str]:
    sigma, contract = sigma_of(preview), preview.contract
    if sigma is None or contract is None or contract.option_type is None or not preview.spot:
        return "", ""
    g = greeks(
        float(preview.spot), float(contract.strike or Decimal(0)), years_left(preview), sigma,
        contract.option_type,
    )  # fmt: skip
    return f"{sigma * 100:.1f}", f"{g.delta:+.2f}".replace("-", f.MINUS)
