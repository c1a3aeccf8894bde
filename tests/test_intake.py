"""The look at an input before a run refuses what the run would refuse, and no more."""

import pytest

from siamese_er.config import load_config
from siamese_er.errors import ContractFault
from siamese_er.intake import input_lines

HEADER = "source,record_id,family_name,deleted\n"


def config_of(folder, rows, mode):
    (folder / "batch.csv").write_text(HEADER + rows)
    return load_config(None, {"input.records": [str(folder / "batch.csv")], "run.mode": mode}, [])


@pytest.mark.parametrize("rows", ["", "ehr,1,,true\nehr,2,,true\n"], ids=["a header alone", "deletions alone"])
def test_a_batch_without_living_records_is_refused_in_full_mode_alone(spark, tmp_path, rows):
    told = input_lines(spark, config_of(tmp_path, rows, "incremental"))

    assert {"records: 0", f"deleted: {rows.count('true')}"} <= set(told)
    with pytest.raises(ContractFault, match="no rows"):
        input_lines(spark, config_of(tmp_path, rows, "full"))
