"""Java classes that PySpark asks the JVM for with every column: asked for once."""

from typing import Any

from py4j.java_gateway import JavaClass, JavaMember

IMPORTED = ("functions", "PythonUtils", "PythonSQLUtils", "SimplePythonFunction")
"""Classes that PySpark also names without their package."""

ASKED_FOR = (
    "org.apache.spark.sql.functions",
    "org.apache.spark.api.python.PythonUtils",
    "org.apache.spark.sql.api.python.PythonSQLUtils",
    "org.apache.spark.api.python.SimplePythonFunction",
    "org.apache.spark.sql.execution.python.UserDefinedPythonFunction",
    "org.apache.spark.sql.classic.SparkSession",
    "org.apache.hadoop.fs.Path",
    "py4j.reflection.TypeUtil",
)
"""What a batch asks for more than a hundred times (counted over its calls through py4j)."""


class KnownClass(JavaClass):
    """A Java class whose static methods are looked up once; values of static fields are asked for each time."""

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if isinstance(found, JavaMember):
            self.__dict__[name] = found
        return found


def keep_classes(jvm: Any) -> None:
    """Have py4j's view of the JVM remember ASKED_FOR under every name by which PySpark reaches them.

    Each lookup of a class is a call per part of its name, and the JVM looks for each part as a class in all its jars.
    """
    for full in ASKED_FOR:
        *packages, short = full.split(".")
        known = KnownClass(full, jvm._gateway_client)
        setattr(jvm, full, known)
        if short in IMPORTED:
            setattr(jvm, short, known)
        holder = jvm
        for package in packages:
            inner = holder.__dict__.get(package) or getattr(holder, package)
            setattr(holder, package, inner)
            holder = inner
        setattr(holder, short, known)
