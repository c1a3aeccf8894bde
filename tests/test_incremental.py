"""A known table, then batches: what joins, leaves, stays and returns; the cases of a real MDM's description."""

import json
import shutil

import pandas as pd
import pytest

from siamese_er import pipeline
from siamese_er.config import load_config
from siamese_er.day_checks import Day, decision_faults, difference, id_faults
from siamese_er.errors import ContractFault
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

KEY = ["source", "record_id"]
LATER = ("2031-01-01", "2032-01-01", "2033-01-01")
OTHER = {
    "given_name": "Zebulon", "middle_name": None, "family_name": "Quillfeather", "birth_date": "1931-07-19",
    "national_id": None, "mrn": None, "phone": "+12125550190", "email": "zq@quill.example", "sex": "male",
    "address_line": "9 Kestrel Row", "city": "Juneau", "state": "AK", "postal_code": "99801",
}  # fmt: skip


class Hospital:
    """The deliveries of a test and the runs over them."""

    def __init__(self, spark, folder):
        self.spark, self.folder, self.files, self.decisions = spark, folder, [], []

    def run(self, rows, mode="incremental", output="out"):
        if rows is not None:
            path = self.folder / f"delivery{len(self.files)}.csv"
            rows.to_csv(path, index=False)
            self.files.append(str(path))
        flags = {"input.records": self.files[-1:] if output == "out" else self.files, "run.mode": mode,
                 "run.output": str(self.folder / output), "run.relearn_share": 1.0}  # fmt: skip
        if self.decisions:
            path = self.folder / "decisions.csv"
            pd.DataFrame(self.decisions).to_csv(path, index=False)
            flags["input.decisions"] = str(path)
        return pipeline.match(self.spark, load_config(None, flags, []))

    def decide(self, left, right, decision, day):
        pair = dict(
            zip(["left_source", "left_record_id", "right_source", "right_record_id"], [*left, *right], strict=True)
        )
        self.decisions.append(pair | {"decision": decision, "decided_at": day})

    def decided(self):
        return {
            tuple(sorted([(d["left_source"], d["left_record_id"]), (d["right_source"], d["right_record_id"])])): d
            for d in self.decisions
        }


def day_of(summary):
    names = ("crosswalk", "enterprise_id_history", "review_queue")
    return Day(summary.record["run_id"], *(pd.read_parquet(f"{summary.path}/{name}") for name in names))


def changed(records, key, day, **values):
    row = records[(records["source"] == key[0]) & (records["record_id"] == key[1])].iloc[0].to_dict()
    return row | values | {"updated_at": day}


@pytest.fixture(scope="module")
def life(spark, tmp_path_factory):
    """Three days of one hospital: the keys of its characters, and what each day published."""
    records = population(110, 7, PROFILES["demo"]).records.assign(deleted=None)
    own = Hospital(spark, tmp_path_factory.mktemp("incremental"))
    first = own.run(records, mode="full")
    days = [day_of(first)]
    walk = days[0].crosswalk
    sizes = walk.groupby("enterprise_id")["record_id"].transform("size")
    pairs = [
        [tuple(key) for key in members[KEY].to_numpy()]
        for _, members in walk[(sizes == 2) & (walk["link_status"] == "auto")].sort_values(KEY).groupby("enterprise_id")
    ]
    singles = [tuple(key) for key in walk[walk["link_status"] == "singleton"].sort_values(KEY)[KEY].to_numpy()]
    edited, parted, deleted, verified = pairs[:4]
    alone, twin_of, joined, other_joined, gone = singles[:5]
    own.decide(*parted, "no_match", LATER[0])
    own.decide(joined, other_joined, "match", LATER[0])
    own.decide(*verified, "match", LATER[0])
    batch = [
        changed(records, edited[0], LATER[0], **OTHER),
        changed(records, alone, LATER[0], **OTHER | {"given_name": "Ottoline", "birth_date": "1988-02-03", "sex": "female"}),
        changed(records, twin_of, LATER[0], record_id="twin"),
        changed(records, deleted[0], LATER[0], deleted="true"),
        changed(records, gone, LATER[0], deleted="true"),
        changed(records, pairs[4][0], "1999-01-01", given_name="Stale"),
    ]  # fmt: skip
    second = own.run(pd.DataFrame(batch))
    days.append(day_of(second))
    batch = [
        changed(records, verified[0], LATER[1], **OTHER | {"given_name": "Peregrine", "birth_date": "1950-11-30"}),
        changed(records, parted[0], LATER[1]) | {"family_name": changed(records, parted[1], "")["family_name"]},
        changed(records, edited[0], LATER[1]),
        changed(records, gone, LATER[1]),
    ]
    third = own.run(pd.DataFrame(batch))
    days.append(day_of(third))
    characters = {
        "edited": edited, "parted": parted, "deleted": deleted, "verified": verified, "alone": alone,
        "twin": [twin_of, (twin_of[0], "twin")], "joined": [joined, other_joined], "gone": gone,
    }  # fmt: skip
    return own, characters, days, [first, second, third]


def test_the_batches_are_matched_alone(life):
    *_, (first, second, third) = life

    assert second.record["matched_anew"] == third.record["matched_anew"] == []
    assert second.record["candidate_pairs"] < first.record["candidate_pairs"] / 3
    came = second.record["counts"]["delivered"]
    assert {kind: came[kind] for kind in ("new", "updated", "stale", "removed")} == {
        "new": 1, "updated": 2, "stale": 1, "removed": 2,
    }  # fmt: skip


def test_an_edited_record_leaves_its_cluster_and_comes_back(life):
    """SanteDB cases 4 and 6, catalogue row 51: one alone keeps its id, one that is somebody else now gets another."""
    _, who, (before, after, last), _ = life
    left, right = who["edited"]

    assert after.ids[who["alone"]] == before.ids[who["alone"]]
    assert len({after.ids[left], after.ids[right]}) == 2
    assert before.ids[left] in {after.ids[left], after.ids[right]}
    assert last.ids[left] == last.ids[right] == before.ids[left]


def test_a_new_record_of_a_known_person_joins(life):
    """SanteDB case 2: the person keeps its id."""
    _, who, (before, after, _), _ = life
    known, twin = who["twin"]

    assert after.ids[twin] == after.ids[known] == before.ids[known]


def test_what_a_person_joined_or_parted_stays_so_whatever_is_edited(life):
    """SanteDB cases 7 to 10, catalogue row 50."""
    own, who, (before, after, last), _ = life
    one, other = who["parted"]

    assert before.ids[one] == before.ids[other]
    for day in (after, last):
        assert list(decision_faults(day, own.decided())) == []
        assert day.ids[one] != day.ids[other]
        status = day.crosswalk.set_index(KEY)["link_status"]
        assert {status[key] for key in (*who["joined"], *who["verified"])} == {"verified"}


def test_a_deleted_record_is_gone_and_its_id_never_returns(life):
    _, who, (before, after, last), _ = life

    assert who["gone"] not in after.ids
    assert who["deleted"][0] not in after.ids
    assert after.ids[who["deleted"][1]] == before.ids[who["deleted"][1]]
    assert last.ids[who["gone"]] not in before.ids.values()
    assert list(id_faults(before, after)) == list(id_faults(after, last)) == []


def test_golden_records_and_history_follow(life):
    _, who, (_, after, last), (_, second, third) = life
    goldens = pd.read_parquet(f"{second.path}/golden_records").set_index("enterprise_id")
    assert goldens.loc[after.ids[who["alone"]], "given_name"] == "Ottoline"
    walk = pd.read_parquet(f"{third.path}/crosswalk")
    ended = pd.read_parquet(f"{third.path}/crosswalk_history")
    assert ended["valid_to"].notna().all()
    assert walk["valid_to"].isna().all()
    assert who["gone"] in set(ended[KEY].itertuples(index=False, name=None))
    for name in ("golden_records", "clusters"):
        ids = pd.read_parquet(f"{third.path}/{name}")["enterprise_id"]
        assert sorted(ids) == sorted(set(last.ids.values())), name


def test_the_batches_end_where_a_whole_run_of_everything_does(life):
    own, _, days, _ = life

    whole = own.run(None, mode="full", output="whole")

    assert difference(days[-1].crosswalk, day_of(whole).crosswalk)["pair_f1"] >= 0.98


def test_a_batch_that_says_nothing_new_changes_nothing(life):
    own, _, days, _ = life
    current = own.folder / "out" / "current.json"
    before = current.read_text()
    empty = pd.read_csv(own.files[0], nrows=0)

    summary = own.run(empty)

    assert summary.record["status"] == "unchanged"
    assert current.read_text() == before
    assert json.loads(before)["run_id"] == days[-1].run_id
    assert "nothing new" in summary.lines()[0]


def test_a_run_that_kept_nothing_cannot_be_gone_on_from(life):
    own, _, _, _ = life
    old = own.folder / "old"
    shutil.copytree(own.folder / "out", old, ignore=shutil.ignore_patterns("versions", "*.crc"))

    with pytest.raises(ContractFault, match="run once with --mode full"):
        own.run(pd.read_csv(own.files[0], nrows=2), output="old")
