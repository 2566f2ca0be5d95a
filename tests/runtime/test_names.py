import pytest

from ichnos.errors import UsageError
from ichnos.runtime.names import choose_by_name, list_near, suggest_name

TABLE = {"excluded": 1, "counted-one": 2}


def test_a_known_name_gives_its_entry():
    assert choose_by_name(TABLE, "counted-one", "policy") == 2


def test_a_wrong_name_is_told_the_nearest_and_all():
    with pytest.raises(UsageError) as caught:
        choose_by_name(TABLE, "exclude", "policy")
    assert str(caught.value) == (
        "no policy is called 'exclude'; did you mean 'excluded'? there are: excluded, counted-one"
    )


def test_nothing_near_gives_the_list_only():
    with pytest.raises(UsageError, match="no policy is called 'zzz'; there are: excluded, counted-one"):
        choose_by_name(TABLE, "zzz", "policy")


def test_a_name_is_never_suggested_for_itself():
    assert suggest_name("decoder", ["decoder", "zzz"]) == ""
    assert suggest_name("decoder", ["decoder", "encoder"]) == "did you mean 'encoder'? "


def test_the_nearest_come_first_and_no_more_than_asked_for():
    known = {"layers.1": 0, "layers.10": 0, "head": 0}
    assert list_near("layers.1x", known, most=3) == ["layers.1", "layers.10"]
    assert list_near("layer.1", known) == ["layers.1"]
    assert list_near("layer.1", known, likeness=0.99) == []
