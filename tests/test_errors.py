import inspect
import re

import pytest

from ichnos import errors

CLASSES = {
    name: item for name, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__
}


def drawn_parents() -> dict[str, str]:
    """Each class in the tree of the module's docstring, with the class it is drawn under."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in inspect.getdoc(errors).splitlines():
        if not (drawn := re.match(r"([│├└─ ]*)(\w+Error) ", line)):
            continue
        depth, name = len(drawn[1]) // 4, drawn[2]
        path[depth:] = [name]
        parents[name] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_drawn_tree_holds_every_class() -> None:
    assert drawn_parents().keys() == CLASSES.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_derives_as_drawn(name: str) -> None:
    (parent,) = CLASSES[name].__bases__
    assert parent.__name__ == drawn_parents()[name]


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_says_what_it_is_for(name: str) -> None:
    assert CLASSES[name].__doc__


def test_scan_errors_are_caught_as_one() -> None:
    with pytest.raises(errors.IchnosError, match="too few slices"):
        raise errors.GeometryError("too few slices")
