"""Train the model on simulated tables: ``spark-submit jobs/train.py --output MODEL_DIR``; needs no Spark session.

First the encoder (unless one is there already or ``--encoder`` names one), then the pair head and its calibration.
Simulated tables are kept in ``--work`` and the encoder's checkpoints in ``--output``, so that a stopped training goes
on where it was. With ``--adapt RECORDS`` it adapts an encoder to an unlabelled table instead, in a Spark session.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from tqdm import tqdm

from siamese_er.adaptation import AdaptationSettings, adapt
from siamese_er.adaptation_sample import unlabelled_sample
from siamese_er.commands import one_value_a_flag, start, status_of
from siamese_er.config import ClusterSettings, DecideSettings, load_config
from siamese_er.cut_offs import held_out, household_rows, threshold_rows, veto_rows
from siamese_er.encoder_training import BUDGETS, real_note_texts, train_encoder
from siamese_er.errors import ContractFault
from siamese_er.head_training import HeadSettings, copied_encoder, has_encoder, train_head
from siamese_er.model import model_folder, pair_head
from siamese_er.neural.fit import Budget
from siamese_er.neural.head_fit import FitSettings
from siamese_er.neural.training_state import is_unfinished
from siamese_er.session import build_session
from siamese_er.simulation import table_file

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def progress_bars() -> Callable[[str, int, int, float], None]:
    """A progress bar for each phase of a training, on stderr."""
    bars: dict[str, tqdm] = {}

    def progress(phase: str, step: int, steps: int, loss: float) -> None:
        interval = 0.1 if sys.stderr.isatty() else 10
        if phase not in bars or bars[phase].n > step:
            bars[phase] = tqdm(total=steps, desc=phase, unit="step", mininterval=interval)
        bar = bars[phase]
        bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        bar.update(step - bar.n)
        if step >= steps:
            bar.close()

    return progress


def train(
    output: str, work: str, encoder: str | None, notes_corpus: str | None, pretrain: int, device: str,
    settings: HeadSettings,
) -> None:  # fmt: skip
    """Both parts of the model into one folder."""
    if encoder is not None:
        copied_encoder(encoder, output)
    elif is_unfinished(output) or not has_encoder(output):
        texts = real_note_texts(notes_corpus) if notes_corpus else []
        budgets = {**BUDGETS, "masked": Budget(pretrain)}
        line = " ".join(["jobs/train.py", *sys.argv[1:]])
        train_encoder(output, settings.first_seed, budgets, None, texts, line, progress_bars(), device)
    train_head(output, work, settings, lambda line: print(line, flush=True))


def cut_offs(output: str, work: str, tables: int, seed: int) -> None:
    """Print what the two cut-offs of the decision are set from: figures of the held-out simulated tables."""
    head = pair_head(output)
    paths = {n: str(Path(work) / table_file(n)) for n in range(seed, seed + tables)}
    found = held_out(paths, head)
    safe = DecideSettings().threshold()
    for rows in (
        household_rows(found),
        threshold_rows(found, ClusterSettings(), DecideSettings()),
        veto_rows(found, safe),
    ):
        print(pd.DataFrame(rows).to_string(index=False, float_format="%.4f"), end="\n\n", flush=True)


def adapt_model(
    config_file: str | None, records: list[str], notes: list[str], model: str | None, output: str, n_records: int,
    settings: AdaptationSettings,
) -> None:  # fmt: skip
    """Adapt an encoder to a table and say what came of it, in counts and measures."""
    if settings.towers not in ("shared", "per_source"):
        raise ContractFault(f"--towers {settings.towers}: choose one of shared, per_source")
    config = load_config(config_file, {"input.records": records, "input.notes": notes}, [])
    spark = build_session(config, "siamese_er adapt")
    try:
        sample = unlabelled_sample(spark, config, n_records, settings.towers == "per_source")
    finally:
        spark.stop()
    folder = model or model_folder(config.model)
    report = adapt(folder, output, sample.records, sample.notes, settings, progress_bars())
    for name, found in report["outcomes"].items():
        print(f"{name}: {found['kept_steps']} steps kept; " + "; ".join(map(str, found["checks"])))
    print(f"head: {report.get('head', 'copied as it was, no weight has changed')}")
    print(f"{output}: {report['protected']}")


@command.command()
def main(
    output: Annotated[str, typer.Option(help="folder of the model")],
    work: Annotated[str, typer.Option(help="folder of the simulated tables")] = "output/training",
    encoder: Annotated[
        str | None, typer.Option(help="model folder whose encoder is taken, or adapted; default: train one, or shipped")
    ] = None,
    notes_corpus: Annotated[str | None, typer.Option(help="Parquet of open notes that the notes tower may see")] = None,
    tables: Annotated[int, typer.Option(min=8, help="simulated tables; every eighth is held out")] = 800,
    seed: Annotated[int, typer.Option(min=0, help="seed of the first table")] = 1,
    epochs: Annotated[int, typer.Option(min=1, help="passes over the pairs")] = 8,
    networks: Annotated[int, typer.Option(min=1, help="networks of the second round, whose logits are averaged")] = 2,
    only_cut_offs: Annotated[
        bool, typer.Option("--cut-offs", help="train nothing; print figures of the held-out tables by cut-off")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="processes; one for each core")] = 2,
    pretrain_steps: Annotated[int, typer.Option(min=0, help="steps of masked pretraining of a new encoder")] = 0,
    device: Annotated[str, typer.Option(help="where encoder and head are trained: cpu or cuda")] = "cpu",
    adapt: Annotated[list[str] | None, typer.Option(help="unlabelled records to adapt the encoder to")] = None,
    notes: Annotated[list[str] | None, typer.Option(help="with --adapt: their notes")] = None,
    config: Annotated[str | None, typer.Option(help="with --adapt: TOML as of jobs/match.py, for columns")] = None,
    adapt_records: Annotated[int, typer.Option(min=1, help="most records that adaptation sees")] = 20_000,
    adapt_steps: Annotated[int, typer.Option(min=1, help="steps of adaptation")] = 300,
    towers: Annotated[str, typer.Option(help="shared, or per_source: a copy for each source")] = "shared",
) -> None:
    """Train encoder, pair head and calibration; or adapt an encoder to an unlabelled table."""
    if only_cut_offs:
        sys.exit(status_of(lambda: cut_offs(output, work, tables, seed)))
    if adapt:
        adapting = AdaptationSettings(steps=adapt_steps, seed=seed, towers=towers)
        files = (config, adapt, notes or [], encoder, output, adapt_records)
        sys.exit(status_of(lambda: adapt_model(*files, adapting)))
    settings = HeadSettings(
        n_tables=tables, first_seed=seed, n_networks=networks, fit=FitSettings(epochs=epochs), workers=workers,
        device=device,
    )  # fmt: skip
    sys.exit(status_of(lambda: train(output, work, encoder, notes_corpus, pretrain_steps, device, settings)))


if __name__ == "__main__":
    start(command, one_value_a_flag(sys.argv[1:], ["--adapt", "--notes"]))
