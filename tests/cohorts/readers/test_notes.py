from ichnos.cohorts.readers.notes import listed, noted


def test_a_few_names_are_told_and_the_others_counted():
    assert listed([1, 2]) == "1, 2"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert listed(list("abc"), 1) == "a and 2 more"


def test_only_what_has_names_is_told():
    assert noted({"lost": ["a"], "found": [], "odd": ["b", "c"]}) == ["lost: a", "odd: b, c"]
