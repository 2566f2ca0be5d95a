from evaluation.evidence.judged_scans import SCANS

from ichnos.evaluation.evidence.bundled_models import Effort, plan_judging, tell_findings
from ichnos.evaluation.evidence.families import FAMILIES
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.plan import Plan
from ichnos.runtime.files import write_json


def test_other_weights_are_judged_anew():
    plans = [Plan(tuple(plan_judging({"m": sha}, Effort(scans=2), "cpu"))) for sha in ("1", "1", "2")]
    digests = [plan.digests() for plan in plans]
    assert digests[0] == digests[1]
    assert all(digests[0][name] != digests[2][name] for name in digests[0])
    assert [stage.name for stage in plans[0].stages] == ["judge-training", "judge-grown", "tables"]


def test_each_family_gets_its_tables(tmp_path):
    for family in FAMILIES:
        for number, scan in enumerate(SCANS):
            path = tmp_path / f"judge-{family}" / "scans" / f"{number}.json"
            write_json(path, {"m": scan.model_dump(mode="json")})
    needs = {f"judge-{family}": tmp_path / f"judge-{family}" for family in FAMILIES}
    own = tmp_path / "own"
    tell_findings(own, needs, {"families": list(FAMILIES)})
    parts = read_parts(own)
    assert [len(part.tables) for part in parts] == [3, 3]
    assert parts[0].title.startswith("Phantoms of the training family")
    assert parts[1].tables[0].rows[0][0] == "m"
    assert (own / "tables").is_dir()
