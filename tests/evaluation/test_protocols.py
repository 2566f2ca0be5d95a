import pytest

from ichnos.errors import UsageError
from ichnos.evaluation.case_score import GRIDS
from ichnos.evaluation.measures import MEASURES
from ichnos.evaluation.protocols import PROTOCOLS, choose_protocol
from ichnos.metrics.empty_policy import EMPTY_POLICIES, OVERLAP_MEASURES


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_names_what_there_is(name):
    protocol = choose_protocol(name)
    assert protocol.name == name
    assert protocol.grid in GRIDS
    assert protocol.policy in EMPTY_POLICIES
    assert set(protocol.measures) <= set(MEASURES if protocol.unit == "volume" else OVERLAP_MEASURES)


def test_the_papers_are_as_they_say():
    first, second = PROTOCOLS["hgi-sam"], PROTOCOLS["label-efficient"]
    assert (first.unit, first.views, first.spread, first.minimum_pixels) == ("slice", ("bleeding",), "SE", 10)
    assert (second.unit, second.views, second.spread) == ("volume", ("all", "bleeding"), "SD")
    assert second.policy == "epsilon-one"


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'hgi-sam'"):
        choose_protocol("hgisam")
