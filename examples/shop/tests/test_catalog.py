"""The catalog: browsing, searching, exporting."""

from __future__ import annotations

import pytest

from calve import InvalidArgument
from calve.testing import App
from shop.catalog.contract import Catalog, Product, UnknownProduct
from shop.catalog.seed import assortment

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPENING = {product.sku: product for product in assortment(3_000)}


@pytest.fixture
def catalog(app: App) -> Catalog:
    """A stub of the catalog."""
    return app.get(Catalog)


async def test_a_product_is_found_by_its_number(catalog: Catalog) -> None:
    assert await catalog.product("KIT-00042") == OPENING["KIT-00042"]


async def test_an_unknown_product_is_named(catalog: Catalog) -> None:
    with pytest.raises(UnknownProduct) as caught:
        await catalog.product("KIT-99999")
    assert caught.value == UnknownProduct(sku="KIT-99999")


async def test_pages_cover_the_assortment_once_and_in_order(catalog: Catalog) -> None:
    seen: list[Product] = []
    after: str | None = None
    while True:
        page = await catalog.products(after=after, limit=97)
        seen += page.products
        if page.next_after is None:
            break
        after = page.next_after
    assert seen == [OPENING[sku] for sku in sorted(OPENING)]


async def test_a_tag_narrows_the_pages(catalog: Catalog) -> None:
    page = await catalog.products(tag="copper", limit=100)
    expected = sorted(sku for sku, product in OPENING.items() if "copper" in product.tags)
    assert [product.sku for product in page.products] == expected[:100]


async def test_a_tag_nobody_has_gives_an_empty_page(catalog: Catalog) -> None:
    page = await catalog.products(tag="plutonium")
    assert (page.products, page.next_after) == ((), None)


async def test_search_wants_every_word_and_takes_beginnings(catalog: Catalog) -> None:
    found = await catalog.search("copp kett", limit=100)
    assert found
    for product in found:
        text = f"{product.name} {product.description} {' '.join(product.tags)}"
        assert "copper" in text
        assert "kettle" in text


async def test_search_puts_hits_in_the_name_first(catalog: Catalog) -> None:
    found = await catalog.search("light", limit=100)
    in_name = ["Light" in product.name for product in found]
    assert in_name == sorted(in_name, reverse=True)
    assert any("Light to carry" in product.description and "Light" not in product.name for product in OPENING.values())


@pytest.mark.parametrize("text", ["", "   ", "!?*", '"', "()"])
async def test_a_search_without_words_finds_nothing(catalog: Catalog, text: str) -> None:
    assert await catalog.search(text) == ()


@pytest.mark.parametrize(
    "text", ["oak OR glass", 'NEAR("oak")', "name:oak", "oak*", "-oak ^oak", "'; DROP TABLE product"]
)
async def test_operators_of_the_index_are_plain_words(catalog: Catalog, text: str) -> None:
    assert isinstance(await catalog.search(text), tuple)


async def test_the_export_streams_everything_in_order(catalog: Catalog) -> None:
    assert [product async for product in catalog.export()] == [OPENING[sku] for sku in sorted(OPENING)]


async def test_prices_of_many_products_at_once(catalog: Catalog) -> None:
    skus = ("KIT-00000", "GAR-00001", "KIT-00000")
    assert await catalog.prices(skus) == {sku: OPENING[sku].price_cents for sku in set(skus)}


async def test_one_unknown_product_fails_all_prices(catalog: Catalog) -> None:
    with pytest.raises(UnknownProduct) as caught:
        await catalog.prices(("KIT-00000", "NO-SUCH"))
    assert caught.value.sku == "NO-SUCH"


@pytest.mark.parametrize("limit", [0, 101])
async def test_a_page_has_one_to_a_hundred_products(catalog: Catalog, limit: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await catalog.products(limit=limit)
    assert caught.value.field == "$.limit"
