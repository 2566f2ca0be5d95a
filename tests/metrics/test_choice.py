import pytest

from ichnos.errors import UsageError
from ichnos.metrics.choice import choose_by_name

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
