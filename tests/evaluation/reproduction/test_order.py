from ichnos.evaluation.reproduction.order import compare_orders, list_reversed


def test_pairs_that_turned_round_are_named():
    published = {"a": 0.5, "b": 0.4, "c": 0.1, "d": 0.9}
    assert list_reversed(published, {"a": 0.2, "b": 0.3, "c": 0.1}) == [("b", "a")]
    told = compare_orders(published, {"a": 0.2, "b": 0.3, "c": 0.1}, "phantoms")
    assert told == (
        "Best to worst as published: a, b, c. Best to worst on phantoms: b, a, c. "
        "Of 3 pairs 1 is the other way round here: b above a."
    )


def test_the_same_order_is_said():
    assert compare_orders({"a": 2, "b": 1}, {"a": 0.9, "b": 0.1}, "phantoms").endswith("The order is the same.")


def test_equal_figures_turn_nothing_round():
    assert list_reversed({"a": 2, "b": 1}, {"a": 0.5, "b": 0.5}) == []
