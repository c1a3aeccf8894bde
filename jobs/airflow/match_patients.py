"""Airflow 3 DAG: look at the input, match, look at the gates, publish, report. Docs: docs/airflow.md.

Every task is one job of this checkout by spark-submit, in the project's own environment; Airflow's needs nothing of it.
What passes from task to task is the tag of the run alone: no task returns anything, and no job prints a value.
"""

import os
from datetime import timedelta
from pathlib import Path

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG, Param
from match_flags import ended_flags, input_flags, match_flags  # beside this file: Airflow puts its folder on the path

CHECKOUT = Path(os.environ.get("SIAMESE_ER_HOME", Path(__file__).resolve().parents[2]))
PROJECT = {name: os.environ[name] for name in ("PYTHONPATH", "JAVA_HOME") if name in os.environ}
if "SIAMESE_ER_BIN" in os.environ:  # folder of the project's python and spark-submit
    bin_folder = os.environ["SIAMESE_ER_BIN"]
    PROJECT |= {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYSPARK_PYTHON": f"{bin_folder}/python",
        "PYSPARK_DRIVER_PYTHON": f"{bin_folder}/python",
    }

PARAMS = {
    "config": Param(None, type=["null", "string"], description="TOML file; null: the defaults"),
    "input": Param([], type="array", items={"type": "string"}, description="records; empty: those of the config"),
    "notes": Param([], type="array", items={"type": "string"}, description="notes; empty: those of the config"),
    "truth": Param(None, type=["null", "string"], description="truth table: adds figures, for gates.min_precision"),
    "decisions": Param(None, type=["null", "string"], description="people's decisions"),
    "labels": Param(None, type=["null", "string"], description="labelled pairs"),
    "mode": Param(
        None,
        type=["null", "string"],
        enum=[None, "full", "incremental"],
        description="null: as config and settings say",
    ),
    "output": Param("output", type="string", minLength=1, description="folder of all runs"),
    "settings": Param([], type="array", items={"type": "string"}, description="SECTION.KEY=VALUE, as of --set"),
}


def submitted(task_id: str, job: str, flags: str, retries: int) -> SparkSubmitOperator:
    """A task that submits one job; ``flags`` is the template of its arguments."""
    return SparkSubmitOperator(
        task_id=task_id,
        application=str(CHECKOUT / "jobs" / job),
        application_args=flags,  # rendered to a list
        conn_id="spark_default",
        name=f"siamese_er {task_id}",
        env_vars=PROJECT,
        retries=retries,
        retry_delay=timedelta(minutes=3),  # the lock of a killed run expires after [run] lock_seconds = 120
        do_xcom_push=False,
    )


with DAG(
    dag_id="match_patients",
    description="Match patient records; publish when every quality gate holds",
    schedule=None,
    catchup=False,
    max_active_runs=1,  # one run at a time into an output folder
    render_template_as_native_obj=True,
    params=PARAMS,
    user_defined_macros={"input_flags": input_flags, "match_flags": match_flags, "ended_flags": ended_flags},
    tags=["siamese_er"],
) as dag:
    check_input = submitted("check_input", "check_input.py", "{{ input_flags(params) }}", retries=1)
    match = submitted("match", "match.py", "{{ match_flags(params, run_id) }}", retries=2)
    gates = submitted("gates", "publish.py", "{{ ended_flags(params, run_id) + ['--check'] }}", retries=0)
    publish = submitted("publish", "publish.py", "{{ ended_flags(params, run_id) }}", retries=2)
    report = submitted("report", "report.py", "{{ ended_flags(params, run_id) }}", retries=1)
    check_input >> match >> gates >> publish >> report
