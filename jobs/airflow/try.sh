#!/usr/bin/env bash
# Runs the DAG for real: Airflow in a virtual environment of its own, a sqlite database, `airflow dags test`.
# First a run that is published, then one whose gate fails and stops the publish.
# Needs the project's environment on PATH (siamese-er, spark-submit). Variables, all optional:
#   AIRFLOW_TRY_OUTPUT  folder to publish into (default: under the work folder)
#   AIRFLOW_TRY_INPUT   folder with records.parquet, and perhaps notes.parquet and truth.parquet (default: synthetic)
#   AIRFLOW_TRY_VENV    Airflow's virtual environment, made where it is not there
#   AIRFLOW_TRY_WORK    work folder (default: a temporary one, removed at the end)
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
eval "$(siamese-er env)"
SIAMESE_ER_BIN=$(dirname "$(command -v spark-submit)")
export SIAMESE_ER_BIN SIAMESE_ER_HOME=$checkout
if [ -n "${AIRFLOW_TRY_WORK:-}" ]; then
    work=$AIRFLOW_TRY_WORK
    mkdir -p "$work"
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/siamese_er-airflow.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
output=${AIRFLOW_TRY_OUTPUT:-$work/output}
venv=${AIRFLOW_TRY_VENV:-$work/venv}
input=${AIRFLOW_TRY_INPUT:-$work/input}

if [ ! -x "$venv/bin/airflow" ]; then
    python3 -m venv "$venv"
    mapfile -t wanted < <(python3 -c '
import configparser, sys
extras = configparser.ConfigParser()
extras.read(sys.argv[1])
print(extras["options.extras_require"]["airflow"].strip())' "$checkout/setup.cfg")
    "$venv/bin/pip" install --quiet "${wanted[@]}"
fi
[ -n "${AIRFLOW_TRY_INPUT:-}" ] || python3 "$checkout/jobs/synthesize.py" --records 150 --seed 5 --output "$input" >/dev/null

export AIRFLOW_HOME=$work/airflow
export AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__CORE__DAGS_FOLDER=$checkout/jobs/airflow
export AIRFLOW_CONN_SPARK_DEFAULT='{"conn_type": "spark", "host": "local[2]", "extra": {"spark-binary": "spark-submit"}}'
mkdir -p "$AIRFLOW_HOME"
"$venv/bin/airflow" db migrate >"$work/migrate.log" 2>&1

conf() {  # settings of the run, as JSON
    python3 - "$input" "$output" "$@" <<'PY'
import json, pathlib, sys
folder, output, settings = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
there = {name: str(folder / f"{name}.parquet") for name in ("notes", "truth") if (folder / f"{name}.parquet").exists()}
conf = {"input": [str(folder / "records.parquet")], "output": output, "settings": settings}
print(json.dumps(conf | ({"notes": [there["notes"]]} if "notes" in there else {}) | ({"truth": there["truth"]} if "truth" in there else {})))
PY
}

run_dag() {  # NAME SETTING...: the tasks' output goes to a log
    local name=$1
    shift
    "$venv/bin/airflow" dags test match_patients --conf "$(conf "$@")" >"$work/$name.log" 2>&1
}

told() { python3 "$checkout/jobs/airflow/told.py" "$work" "$output" "$@"; }

echo "== a run that is published ($SECONDS s)"
run_dag good || { tail -n 40 "$work/good.log"; exit 1; }
told published
before=$(cat "$output/current.json")

echo "== a run whose gate fails ($SECONDS s)"
run_dag gate gates.max_cluster_size=2 || true
test "$(cat "$output/current.json")" = "$before" || { echo "a run with a failed gate was published"; exit 1; }
told gate_failed

echo "== no value of a patient in logs or database ($SECONDS s)"
told quiet "$input"
echo "all as it should be ($SECONDS s)"
