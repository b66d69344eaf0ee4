"""The payoff of one set: at expiry and now, with its figures."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from nicegui import ui

from algomirror.domain.pricing import PayoffLeg
from algomirror.domain.pricing import breakevens
from algomirror.domain.pricing import payoff_at_expiry
from algomirror.domain.pricing import payoff_now
from algomirror.domain.strategy import Strategy
from algomirror.services.planning import LegPreview
from pages import formats as f
from pages.components.leg_editor import sigma_of
from pages.components.leg_editor import years_left
from pages.components.widgets import card

POINTS = 121
FLAT = 0.01
"""Rupees a point: a smaller slope is rounding."""


class PayoffPanel:
    """Drawn from the previews of the legs; redrawn when they change."""

    def __init__(self) -> None:
        with card("Preview", "one set in one account"):
            self._plot = ui.plotly(_figure([], [], [], 0.0)).classes("w-full").style("height:240px")
            self._figures = ui.html("", sanitize=False)

    def show(self, strategy: Strategy, previews: Sequence[LegPreview], now: datetime) -> None:
        legs = [_leg(leg, p) for leg, p in zip(strategy.legs, previews, strict=False)]
        known = [leg for leg in legs if leg is not None]
        spot = next((float(p.spot) for p in previews if p.spot), 0.0)
        names = {leg.underlying for leg in strategy.legs}
        if len(known) != len(strategy.legs) or not spot or len(names) > 1:
            self._figures.set_content(
                '<div class="empty">The payoff is drawn when every leg of one underlying has a '
                "price.</div>"
            )
            return
        spots = _spots(spot, [leg.strike for leg in known if leg.strike is not None])
        expiry, today = payoff_at_expiry(known, spots), payoff_now(known, spots)
        self._plot.update_figure(_figure(spots, expiry, today, spot))
        credit = -sum(leg.quantity * leg.premium for leg in known)
        self._figures.set_content(_table(credit, spots, expiry))


def _leg(leg: Any, preview: LegPreview) -> PayoffLeg | None:
    contract, quote = preview.contract, preview.quote
    if contract is None or quote is None:
        return None
    return PayoffLeg(
        quantity=leg.side.sign * leg.lots * contract.lot_size,
        premium=float(quote.ltp),
        strike=float(contract.strike) if contract.strike is not None else None,
        kind=contract.option_type,
        years=years_left(preview),
        sigma=sigma_of(preview) or 0.12,
    )


def _spots(spot: float, strikes: list[float]) -> list[float]:
    """From below the lowest to above the highest strike; each strike itself, where payoffs bend."""
    low = min([spot * 0.965, *(0.99 * k for k in strikes)])
    high = max([spot * 1.035, *(1.01 * k for k in strikes)])
    steps = [low + (high - low) * i / (POINTS - 1) for i in range(POINTS)]
    return sorted({*steps, *strikes})


def _table(credit: float, spots: list[float], expiry: list[float]) -> str:
    """Below zero a price cannot fall: only the upper end can be without a bound."""
    rise = (expiry[-1] - expiry[-2]) / (spots[-1] - spots[-2])
    fall = (expiry[0] - expiry[1]) / (spots[1] - spots[0])
    at_zero = expiry[0] + fall * spots[0]
    best = "no ceiling" if rise > FLAT else _rupees(max(*expiry, at_zero))
    worst = "no floor" if rise < -FLAT else _rupees(min(*expiry, at_zero))
    crossings = breakevens(spots, expiry)
    points = " / ".join(f.number(Decimal(round(c)), 0) for c in crossings) or "–"
    cells = (
        ("Net credit per set" if credit >= 0 else "Net debit per set", _rupees(credit)),
        ("Max profit per set", best),
        ("Max loss per set", worst),
        ("Breakevens", points),
    )
    return (
        '<div style="display:grid;grid-template-columns:1fr 1fr">'
        + "".join(
            f'<div style="padding:9px 14px;border-top:1px solid var(--line)"><div class="f12 t3">'
            f'{name}</div><div class="b5">{value}</div></div>'
            for name, value in cells
        )
        + "</div>"
    )


def _rupees(value: float) -> str:
    tone = "pos" if value > 0 else "neg" if value < 0 else ""
    return f'<span class="{tone}">{f.pnl(Decimal(round(value)), 0)}</span>'


def _figure(
    spots: list[float], expiry: list[float], today: list[float], spot: float
) -> dict[str, Any]:
    axis = {"gridcolor": "rgba(138,148,168,.16)", "zeroline": False, "tickfont": {"size": 11},
            "color": "#8A94A8"}  # fmt: skip
    up = [max(v, 0.0) for v in expiry]
    down = [min(v, 0.0) for v in expiry]
    return {
        "data": [
            {"x": spots, "y": up, "mode": "lines", "fill": "tozeroy",
             "line": {"color": "#3CCFB4", "width": 1.8}, "fillcolor": "rgba(60,207,180,.13)"},
            {"x": spots, "y": down, "mode": "lines", "fill": "tozeroy",
             "line": {"color": "#FF8672", "width": 1.8}, "fillcolor": "rgba(255,134,114,.13)"},
            {"x": spots, "y": today, "mode": "lines",
             "line": {"color": "#8FA8FF", "width": 1.4}},
        ],
        "layout": {
            "margin": {"l": 52, "r": 12, "t": 10, "b": 28}, "showlegend": False,
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": {**axis, "tickformat": ",.0f"}, "yaxis": axis, "uirevision": "payoff",
            "shapes": [
                {"type": "line", "x0": spot, "x1": spot, "yref": "paper", "y0": 0, "y1": 1,
                 "line": {"color": "#8A94A8", "width": 1, "dash": "dash"}}
            ] if spot else [],
        },
        "config": {"displayModeBar": False, "responsive": True},
    }  # fmt: skip
