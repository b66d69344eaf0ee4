"""How many lots, in how many orders."""


def slices(quantity: int, lot_size: int, freeze_quantity: int) -> list[int]:
    """Order sizes in units that sum to `quantity`, each at most the freeze limit in whole lots.

    A freeze quantity of 0 or 1 means "unknown" (product.md 5.3): one order; the caller decides
    on a limit of its own before. NIFTY 3,900 with lot 65 and freeze 1,800 -> 1755, 1755, 390.
    """
    if quantity <= 0:
        return []
    if freeze_quantity <= 1:
        return [quantity]
    largest = max(freeze_quantity // lot_size, 1) * lot_size
    whole, rest = divmod(quantity, largest)
    return [largest] * whole + ([rest] if rest else [])
