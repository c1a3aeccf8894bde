"""The last step of docs/tutorial.sh: prints what the decision changed, and fails if it changed nothing."""

import json
import sys
from pathlib import Path

import pandas as pd

work, task, before = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
decision = next(
    row for row in map(json.loads, (work / "decisions.jsonl").read_text().splitlines()) if row["task_id"] == task
)
sides = [(decision[f"{side}_source"], decision[f"{side}_record_id"]) for side in ("left", "right")]


def people(run: Path) -> list[tuple[str, str]]:
    """Enterprise id and link status of the two records in one run."""
    crosswalk = pd.read_parquet(run / "crosswalk").set_index(["source", "record_id"])
    return [tuple(crosswalk.loc[side, ["enterprise_id", "link_status"]]) for side in sides]


after = json.loads((work / "output" / "current.json").read_text())
then, now = (people(work / "output" / run["path"]) for run in (before, after))
for side, old, new in zip(("left", "right"), then, now, strict=True):
    print(f"{side} record: {old[0]} ({old[1]}) -> {new[0]} ({new[1]})")
queue = pd.read_parquet(work / "output" / after["path"] / "review_queue")
if then[0][0] == then[1][0] or now[0][0] != now[1][0] or task in set(queue.task_id):
    sys.exit("the decision did not change the run")
print("One person now, verified by a reviewer, and no longer asked.")
