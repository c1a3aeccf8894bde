"""What PySpark asks the JVM for with every column is asked for once."""

import pytest
from py4j.java_gateway import JavaMember

from siamese_er.java_classes import ASKED_FOR, IMPORTED, keep_classes


@pytest.fixture
def asked(spark, monkeypatch):
    """A view of the JVM of its own with the classes kept, and the lookups that are sent since."""
    view, sent = spark.sparkContext._gateway.new_jvm_view(), []
    keep_classes(view)
    client = type(view._gateway_client)
    send = client.send_command

    def counted(self, command, *rest, **named):
        if command.startswith("r\n"):
            sent.append(command)
        return send(self, command, *rest, **named)

    monkeypatch.setattr(client, "send_command", counted)
    return view, sent


def test_a_class_is_kept_under_each_of_its_names(asked):
    view, sent = asked

    for full in ASKED_FOR:
        found = view
        for part in full.split("."):
            found = getattr(found, part)
        assert found._fqn == full
        assert getattr(view, full) is found
        assert full.split(".")[-1] not in IMPORTED or getattr(view, full.split(".")[-1]) is found
    assert not sent


def test_a_method_is_looked_up_once_and_works(asked):
    view, sent = asked

    columns = [view.functions.col(name).toString() for name in ("left", "right")]

    assert columns == ["left", "right"]
    assert len(sent) == 1
    assert isinstance(view.functions.col, JavaMember)


def test_a_kept_class_makes_objects(asked):
    assert asked[0].org.apache.hadoop.fs.Path("s3a://bucket/folder").getName() == "folder"
