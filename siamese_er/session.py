"""The Spark session of a job; the only place that builds one, called by ``jobs/`` alone."""

import os
import sys
from contextlib import suppress
from threading import Thread
from typing import Any

from pyspark import SparkContext
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from siamese_er.config import MatchConfig
from siamese_er.java_classes import keep_classes

QUIET_LOGGERS = (
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.scheduler.DAGScheduler",
    "org.apache.spark.sql.execution.datasources.FileFormatWriter",
    "org.apache.spark.api.python",
    "org.apache.spark.sql.execution.python",
    "org.apache.spark.util.Utils",
    "org.apache.spark.util.TaskResources",
    "org.apache.spark.TaskContextImpl",
    "org.apache.parquet",
)
"""Loggers that repeat the message of a failed task, which may quote the value it failed on. The driver still gets the
error. ``conf/spark/log4j2.properties`` says the same to executors on other machines."""

QUIET_PYTHON_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Loggers of PySpark on the driver that print the whole message of a failed query, the value included."""

WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
"""One thread a worker, as Spark runs one worker for each core; and no model ever comes from the network."""

LOCAL_SETTINGS = {"spark.python.daemon.module": "siamese_er.worker_daemon"}
"""Where workers run this very environment. Elsewhere the package may reach them later than their daemon starts."""

PAGES_OF_A_TASK = 8192
"""Spark's bound (TaskMemoryManager): a task that needs one page more fails."""

ARRAY_HEADER = 16
"""Bytes of a Java array besides its content: with them a page fills whole regions of the collector."""

SECRET_KEYS = r"(?i)secret|passw(or)?d|token|access[._]?key|credential|identity[._]key"
VALUES_IN_PLANS = r"\b\d{3}-?\d{2}-?\d{4}\b|\b(?:19|20)\d{2}-\d{2}-\d{2}\b|(?:\G|(?<![\w.+-]))[\w.+-]++@[\w-]+\.[\w.]+"
"""Java's. An address is looked for where a word begins, or the last finding ended (``\\G``), and nowhere else: from every
letter of every name in a plan it took seconds a run."""


def build_session(config: MatchConfig, name: str) -> SparkSession:
    """The session of one job, with what spark-submit was told left as it is.

    Settings below are defaults: ``--conf``, ``--properties-file`` and spark-defaults win over them, but for the time
    zone and Arrow, on which results depend. Python workers run this interpreter unless PYSPARK_PYTHON says otherwise.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for variable, value in WORKER_ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    given = _given_settings()
    is_local = given.get("spark.master", "local[*]").partition("[")[0] == "local"
    builder = SparkSession.builder.appName(name)
    for key, value in (default_settings(config) | (local_settings(given) if is_local else {})).items():
        if key not in given:
            builder = builder.config(key, value)
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.execution.arrow.pyspark.enabled", "true")
    session = builder.getOrCreate()
    keep_classes(session._jvm)
    _silence_loggers_of_rows(session)
    if is_local:
        _warm_workers(session)
    return session


def default_settings(config: MatchConfig) -> dict[str, str]:
    """The Spark settings of a job that spark-submit may override, by key."""
    return {
        "spark.master": "local[*]",
        "spark.sql.shuffle.partitions": str(config.run.shuffle_partitions),
        "spark.sql.files.maxPartitionBytes": "32m",  # tasks enough that no core waits long for the last one
        "spark.sql.codegen.hugeMethodLimit": "8000",  # bytes: beyond, Java would interpret the method and not compile it
        "spark.redaction.regex": SECRET_KEYS,
        "spark.sql.redaction.string.regex": VALUES_IN_PLANS,
        "spark.sql.ui.explainMode": "simple",  # a plan's text is made, and looked through for values, at each of its stages
        "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower(),
        "spark.log.level": "ERROR",
        "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "false",  # else Python workers are started twice
        "spark.python.sql.dataFrameDebugging.enabled": "false",  # the call site of every column: a third of planning
        **{f"spark.executorEnv.{variable}": value for variable, value in WORKER_ENVIRONMENT.items()},
    }


def page_bytes(heap: int) -> int:
    """Bytes of the pages in which a JVM with a heap of ``heap`` bytes keeps rows that it sorts, groups or broadcasts.

    A task has at most PAGES_OF_A_TASK of them, which hold the whole heap here. Spark's own choice is a sixteenth of a core's
    share, which every small table that is broadcast takes, and which Java fills with zeros first.
    """
    return max(1, -(-heap // (PAGES_OF_A_TASK << 20))) * (1 << 20) - ARRAY_HEADER


def local_settings(given: dict[str, str]) -> dict[str, str]:
    """Settings of masters whose workers run on this machine, all in one JVM. In: what spark-submit was told.

    Where rows may also lie outside the heap, the size of pages is left to Spark.
    """
    if given.get("spark.memory.offHeap.enabled") == "true":
        return LOCAL_SETTINGS
    jvm: Any = SparkContext._jvm
    heap = jvm.java.lang.Runtime.getRuntime().maxMemory()
    return LOCAL_SETTINGS | {"spark.buffer.pageSize": f"{page_bytes(heap)}b"}


def _given_settings() -> dict[str, str]:
    """What spark-submit, its files and its flags have set, before any session is there."""
    SparkContext._ensure_initialized()
    jvm: Any = SparkContext._jvm
    return {pair._1(): pair._2() for pair in jvm.org.apache.spark.SparkConf(True).getAll()}


def _silence_loggers_of_rows(session: SparkSession) -> None:
    jvm: Any = session._jvm
    log4j = jvm.org.apache.logging.log4j
    for logger in QUIET_LOGGERS:
        log4j.core.config.Configurator.setLevel(logger, log4j.Level.OFF)
    for logger in QUIET_PYTHON_LOGGERS:
        PySparkLogger.getLogger(logger).disabled = True


def _warm_workers(session: SparkSession) -> None:
    """Have Spark start the process that its Python workers come from, while the driver goes on."""

    def warm() -> None:
        with suppress(Exception):  # a job that ends before it was warm has lost nothing
            session.range(1, numPartitions=1).mapInArrow(lambda batches: batches, "id long").count()

    Thread(target=warm, name="warm-workers", daemon=True).start()
