"""The opening assortment with names, descriptions and prices, made up but always the same."""

from __future__ import annotations

from random import Random

from ..seed import Article, articles
from .contract import Product

_THINGS: dict[str, tuple[str, tuple[str, ...], tuple[int, int]]] = {
    # department: (tag, things, price range in cents)
    "KIT": (
        "kitchen",
        ("kettle", "teapot", "frying pan", "bread knife", "mixing bowl", "grater", "jug"),
        (590, 12_900),
    ),
    "GAR": (
        "garden",
        ("watering can", "rake", "hedge shears", "planter", "lantern", "hose reel", "trowel"),
        (450, 18_900),
    ),
    "OFF": ("office", ("desk lamp", "notebook", "fountain pen", "letter tray", "stapler", "chair mat"), (190, 15_900)),
    "TOY": ("toys", ("wooden train", "puzzle", "kite", "building set", "spinning top", "puppet"), (390, 8_900)),
    "SPO": (
        "sports",
        ("yoga mat", "climbing rope", "water bottle", "skipping rope", "rucksack", "tent"),
        (690, 34_900),
    ),
    "BTH": ("bathroom", ("towel", "soap dish", "bath brush", "shower shelf", "laundry basket", "mirror"), (350, 9_900)),
}
_MATERIALS = ("oak", "steel", "copper", "ceramic", "linen", "bamboo", "glass", "wool", "cork", "enamel")
_COLOURS = ("white", "black", "moss green", "sky blue", "terracotta", "grey", "mustard", "plum")
_STYLES = ("Classic", "Compact", "Sturdy", "Handmade", "Folding", "Light", "Large", "Everyday")
_REASONS = (
    "Made to be repaired, not replaced.",
    "Light to carry and easy to clean.",
    "Spare parts are available for ten years.",
    "A gift that gets used.",
    "Tested by people who use it all day.",
)


def product(article: Article) -> Product:
    """The product behind an article number; the number alone decides what it is."""
    random = Random(article.number)
    tag, things, (cheapest, dearest) = _THINGS[article.department]
    thing, material, colour = random.choice(things), random.choice(_MATERIALS), random.choice(_COLOURS)
    style = random.choice(_STYLES)
    return Product(
        sku=article.sku,
        name=f"{style} {material} {thing}",
        description=f"{style} {thing} of {material} in {colour}. {random.choice(_REASONS)}",
        price_cents=random.randrange(cheapest, dearest, 10),
        tags=(tag, material, colour),
    )


def assortment(count: int) -> list[Product]:
    """The first `count` products, in order of listing."""
    return [product(article) for article in articles(count)]
