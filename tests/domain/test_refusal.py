"""What a broker's sentence of refusal is about."""

from decimal import Decimal

import pytest

from algomirror.domain.order import Side
from algomirror.domain.refusal import RefusalClass
from algomirror.domain.refusal import band_price
from algomirror.domain.refusal import classify


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Insufficient funds. Required: 31065", RefusalClass.MARGIN),
        ("RMS:Margin Exceeds, Required:12", RefusalClass.MARGIN),
        ("price is lower than the current lower circuit limit of 70.25", RefusalClass.PRICE_BAND),
        ("Quantity 2000 exceeds freeze quantity 1800", RefusalClass.FREEZE),
        ("Invalid openalgo apikey", RefusalClass.LOGIN),
        ("Your session has expired", RefusalClass.LOGIN),
        ("Order from an unregistered static IP", RefusalClass.ADDRESS),
        ("Market is closed", RefusalClass.CLOSED),
        ("went to the sandbox", RefusalClass.MODE),
        ("Market orders are not allowed for this segment", RefusalClass.MARKET_TYPE),
        ("16388: order rejected", RefusalClass.OTHER),
    ],
)
def test_a_sentence_is_classed(sentence: str, kind: RefusalClass) -> None:
    """The classes of product.md 6.5."""
    assert classify(sentence) is kind


def test_the_edge_of_the_band_is_read_for_its_side() -> None:
    """The upper one to buy, the lower to sell; None when it is not named."""
    text = "outside the daily range, lower circuit limit 90.50, upper circuit limit 210.25"

    assert band_price(text, Side.BUY) == Decimal("210.25")
    assert band_price(text, Side.SELL) == Decimal("90.50")
    assert band_price("lower circuit limit of 70.25", Side.BUY) is None
