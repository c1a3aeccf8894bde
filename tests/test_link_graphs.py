"""Links with known components: as many as wanted, and a wrong component is seen."""

from pyspark.sql import functions as F

from siamese_er.components import component_keys, local_checkpoint
from siamese_er.link_graphs import Shape, links_of, n_wrong, shapes_of


def test_shapes_have_all_links_and_one_chain_is_as_long_as_they_are():
    shapes = shapes_of(100_000)

    assert sum(shape.n_links for shape in shapes) == 100_000
    assert max(shape.size for shape in shapes if shape.kind == "chain") == 25_001
    assert [shape.size for shape in shapes if shape.kind == "star"] == [2_500]


def test_components_are_found_and_a_wrong_one_is_counted(spark):
    shapes = (Shape("chain", 4, 9), Shape("star", 5, 8), Shape("chain", 21, 20))
    links = links_of(spark, shapes).persist()

    found = [
        component_keys(links.select("left_key", "right_key"), where, local_checkpoint, 1_000).persist()
        for where in (True, False)
    ]

    assert links.count() == 37
    assert [frame.select("component_key").distinct().count() for frame in found] == [6, 6]
    assert [n_wrong(links, frame) for frame in found] == [0, 0]
    spoilt = found[0].withColumn(
        "component_key", F.when(F.col("record_key") != F.lit(found[0].first()[0]), F.col("component_key"))
    )
    assert n_wrong(links, spoilt) == 1
