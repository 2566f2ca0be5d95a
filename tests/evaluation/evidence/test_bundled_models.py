from evaluation.evidence.judged_scans import SCANS

from ichnos.evaluation.evidence.bundled_models import Effort, plan_judging, tell_findings
from ichnos.evaluation.evidence.families import FAMILIES
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.plan import Plan
from ichnos.runtime.files import write_json


def test_other_weights_are_judged_anew():
    plans = [Plan(tuple(plan_judging({"m": sha, "n": "0"}, Effort(scans=2), "cpu"))) for sha in ("1", "1", "2")]
    digests = [plan.digests() for plan in plans]
    assert digests[0] == digests[1]
    changed = {name for name in digests[0] if digests[0][name] != digests[2][name]}
    assert changed == {"judge-training-m", "judge-grown-m", "tables"}
    assert [stage.name for stage in plans[0].stages][-1] == "tables"


def test_each_family_gets_its_tables(tmp_path):
    stages = {family: [f"judge-{family}-m", f"judge-{family}-n"] for family in FAMILIES}
    names = [name for own in stages.values() for name in own]
    for name in names:
        for number, scan in enumerate(SCANS):
            write_json(tmp_path / name / "scans" / f"{number}.json", {name[-1]: scan.model_dump(mode="json")})
    needs = {name: tmp_path / name for name in names}
    own = tmp_path / "own"
    tell_findings(own, needs, {"stages": stages})
    parts = read_parts(own)
    assert [len(part.tables) for part in parts] == [3, 3]
    assert parts[0].title.startswith("Phantoms of the training family")
    assert [row[0] for row in parts[1].tables[0].rows] == ["m", "n"]
    assert (own / "tables").is_dir()
