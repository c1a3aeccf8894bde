"""What a run says to the person who started it: counts, no values."""

from dataclasses import dataclass
from typing import Any

MOST_NAMES = 8
NOTHING_NEW = "nothing new in the batch; the published run stays as it is"


@dataclass(frozen=True)
class Summary:
    """The record of a finished run and where its tables are."""

    record: dict[str, Any]
    path: str

    def lines(self) -> list[str]:
        """The lines that ``jobs/match.py`` prints."""
        record, counts = self.record, self.record["counts"]
        if record["status"] == "unchanged":
            return [f"run {record['run_id']}: {NOTHING_NEW}"]
        came = counts.get("delivered", counts)
        lines = [f"run {record['run_id']}: {record['status']}{', resumed' if record['resumed'] else ''}, {self.path}"]
        lines += [
            f"  {path.rsplit('/', 1)[-1]}: {mapping_line(mapping)}" for path, mapping in record["mappings"].items()
        ]
        rows = (
            ("records in", came["records"] + came["quarantined_records"] + came["earlier_versions"] + came["deleted"]),
            ("quarantined", counts["quarantined"]), ("candidate pairs", record["candidate_pairs"]),
            ("links", counts["links"]), ("clusters", counts["clusters"]),
            ("golden records", counts["golden_records"]), ("review queue", counts["review_queue"]),
        )  # fmt: skip
        lines += [f"{name:>17}  {number:>10,}" for name, number in rows]
        lines.append("   time per step  " + ", ".join(f"{name} {s:.1f} s" for name, s in record["seconds"].items()))
        if (metrics := record.get("metrics")) is not None:
            lines.append("       precision  " + share(metrics.get("precision")))
            lines.append("          recall  " + share(metrics.get("recall")))
            lines.append("              F1  " + share(metrics.get("f1")))
        of_model = record.get("model", {}).get("warning")
        lines += [f"warning: {line}" for line in (of_model, *record.get("warnings", [])) if line]
        if record["status"] == "dry_run":
            change = counts["changes"]
            lines.append(
                "dry run, nothing published; it would change: " + ", ".join(f"{n} {k}" for k, n in change.items())
            )
        return lines


def share(value: float | None) -> str:
    """A share with four digits, or a dash where it is undefined."""
    return "-" if value is None else f"{value:.4f}"


def mapping_line(mapping: dict[str, Any]) -> str:
    """Which columns of a file became what: those of the same name by number, renamed ones and unplaced ones by name."""
    placed = mapping.get("mapped", {})
    renamed = [f"{name} from {' + '.join(own)}" for name, own in placed.items() if own != [name]]
    parts = [f"{len(placed) - len(renamed)} columns as named", *renamed] if "mapped" in mapping else []
    for kind, names in mapping.items():
        if kind != "mapped" and names:
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            parts.append(f"{kind}: {', '.join(map(str, names[:MOST_NAMES]))}{more}")
    return "; ".join(parts)
