"""The products of a small shop: what they are, what they cost, and what goes with them."""

from __future__ import annotations

import re
from typing import NamedTuple


class Product(NamedTuple):
    """price: in dollars; goes_with: ids of other products."""

    id: str
    name: str
    about: str
    price: float
    in_stock: bool
    goes_with: tuple[str, ...]


PRODUCTS = (
    Product("desk-lamp", "Desk lamp", "A lamp with an arm of 60 cm and warm light.", 39.90, True, ("bulb",)),
    Product("bulb", "Light bulb", "LED, 6 W, warm white, E27. Fits the desk lamp.", 4.95, True, ()),
    Product(
        "fountain-pen",
        "Fountain pen",
        "A steel nib of medium width, in black.",
        89.00,
        True,
        ("ink", "notebook"),
    ),
    Product("ink", "Ink, black", "50 ml, dries fast. For every fountain pen.", 12.50, True, ()),
    Product(
        "notebook",
        "Notebook",
        "A5, 192 dotted pages, paper for fountain pens.",
        4.50,
        True,
        ("fountain-pen",),
    ),
    Product(
        "standing-desk",
        "Standing desk",
        "160 by 80 cm, from 62 to 127 cm high, two motors.",
        619.00,
        False,
        ("office-chair", "cable-tray"),
    ),
    Product("office-chair", "Office chair", "Mesh back, arms that move, up to 130 kg.", 249.00, True, ()),
    Product("cable-tray", "Cable tray", "Steel, 80 cm, under any desk.", 19.90, True, ()),
)


def product(id: str) -> Product | None:
    """The product with this id."""
    return next((one for one in PRODUCTS if one.id == id), None)


def search(query: str, most: int = 3) -> list[Product]:
    """The products with words of the query, those with more of them first."""
    words = [word.removesuffix("s") for word in re.findall(r"\w{3,}", query.casefold())]
    counted = [(sum(word in f"{one.name} {one.about}".casefold() for word in words), one) for one in PRODUCTS]
    ranked = sorted(counted, key=lambda pair: -pair[0])
    return [one for count, one in ranked[:most] if count]
