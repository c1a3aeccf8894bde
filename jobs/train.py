"""Train the model on simulated tables: ``spark-submit jobs/train.py --output MODEL_DIR``; needs no Spark session.

First the encoder (unless one is there already or ``--encoder`` names one), then the pair head and its calibration.
Simulated tables are kept in ``--work``, so that a stopped training goes on where it was.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from siamese_er.commands import start, status_of
from siamese_er.config import ClusterSettings
from siamese_er.cut_offs import held_out, household_rows, threshold_rows
from siamese_er.encoder_training import real_note_texts, train_encoder
from siamese_er.head_training import HeadSettings, copied_encoder, has_encoder, train_head
from siamese_er.model import pair_head
from siamese_er.neural.head_fit import FitSettings
from siamese_er.simulation import table_file

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def train(output: str, work: str, encoder: str | None, notes_corpus: str | None, settings: HeadSettings) -> None:
    """Both parts of the model into one folder."""
    if encoder is not None:
        copied_encoder(encoder, output)
    elif not has_encoder(output):
        texts = real_note_texts(notes_corpus) if notes_corpus else []
        train_encoder(output, settings.first_seed, note_texts=texts, command=" ".join(["jobs/train.py", *sys.argv[1:]]),
                      progress=lambda *facts: print("encoder", *facts, flush=True))  # fmt: skip
    train_head(output, work, settings, lambda line: print(line, flush=True))


def cut_offs(output: str, work: str, tables: int, seed: int) -> None:
    """Print what the two cut-offs of the decision are set from: figures of the held-out simulated tables."""
    head = pair_head(output)
    paths = {n: str(Path(work) / table_file(n)) for n in range(seed, seed + tables)}
    found = held_out(paths, head)
    for rows in (household_rows(found), threshold_rows(found, ClusterSettings())):
        print("  ".join(rows[0]))
        for row in rows:
            print("  ".join(f"{value:.4f}" for value in row.values()), flush=True)


@command.command()
def main(
    output: Annotated[str, typer.Option(help="folder of the model")],
    work: Annotated[str, typer.Option(help="folder of the simulated tables")] = "output/training",
    encoder: Annotated[
        str | None, typer.Option(help="model folder whose encoder is taken instead of training one")
    ] = None,
    notes_corpus: Annotated[str | None, typer.Option(help="Parquet of open notes that the notes tower may see")] = None,
    tables: Annotated[int, typer.Option(min=8, help="simulated tables; every eighth is held out")] = 800,
    seed: Annotated[int, typer.Option(min=0, help="seed of the first table")] = 1,
    epochs: Annotated[int, typer.Option(min=1, help="passes over the pairs")] = 5,
    networks: Annotated[int, typer.Option(min=1, help="networks of the second round, whose logits are averaged")] = 2,
    only_cut_offs: Annotated[
        bool, typer.Option("--cut-offs", help="train nothing; print figures of the held-out tables by cut-off")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="processes; one for each core")] = 2,
) -> None:
    """Train encoder, pair head and calibration."""
    if only_cut_offs:
        sys.exit(status_of(lambda: cut_offs(output, work, tables, seed)))
    settings = HeadSettings(
        n_tables=tables, first_seed=seed, n_networks=networks, fit=FitSettings(epochs=epochs), workers=workers
    )
    sys.exit(status_of(lambda: train(output, work, encoder, notes_corpus, settings)))


if __name__ == "__main__":
    start(command, sys.argv[1:])
