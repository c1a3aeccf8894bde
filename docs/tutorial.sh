#!/usr/bin/env bash
# From a clone to a reviewed decision that changes the next run: bash docs/tutorial.sh; docs/tutorial.md explains it.
# Stands in the checkout, installs into .venv unless that is there, writes output/ and decisions.jsonl under tutorial/
# (or the folder named by TUTORIAL). A run that is in that output already is gone on with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=${TUTORIAL:-tutorial}
mkdir -p "$work"

# 1. Install.
if [ -z "${VIRTUAL_ENV:-}" ]; then
    if [ ! -x .venv/bin/siamese-er ]; then
        python3 .ci/readme_command.py one | grep -v 'siamese-er submit' | bash -euo pipefail
    fi
    PATH=$PWD/.venv/bin:$PATH
fi

# 2. Match the demo population.
if [ ! -s "$work/output/current.json" ]; then
    siamese-er submit jobs/match.py --output "$work/output"
fi
before=$(cat "$work/output/current.json")

# 3. What does the run ask?
siamese-er submit jobs/review.py --run "$work/output" --decisions "$work/decisions.jsonl" | tee "$work/questions.txt"
task=$(awk '$2 == "pair" {print $1; exit}' "$work/questions.txt")

# 4. Look at the first pair, then decide. In notebooks/02_review_matches.ipynb this is two clicks.
siamese-er submit jobs/review.py --run "$work/output" --decisions "$work/decisions.jsonl" --task "$task"
siamese-er submit jobs/review.py --run "$work/output" --decisions "$work/decisions.jsonl" --task "$task" \
    --answer match --reviewer "${USER:-reviewer}" --reason "tutorial"

# 5. The next run heeds the decision.
siamese-er submit jobs/match.py --output "$work/output" --decisions "$work/decisions.jsonl"

# 6. See that it did: the two records have one enterprise id now, and had two before.
python3 docs/tutorial_check.py "$work" "$task" "$before"
