"""Case I: nearest neighbours."""

from __future__ import annotations

from torch.nn import functional

from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from benchmarks.speed.work.features import Labelled, labelled
from benchmarks.speed.work.readouts import LabelledBench, evaluated

K, TEMPERATURE = 20, 0.07


def data(setting: Setting) -> Labelled:
    """Return features of the size of the setting."""
    train = {"full": 20_000, "quick": 4000, "toy": 200}[setting.scale]
    width = {"full": 384, "quick": 128, "toy": 16}[setting.scale]
    classes = 10 if setting.scale == "toy" else 100
    return labelled(train=train, held_out=train // 4, width=width, classes=classes)


def ours(setting: Setting) -> Work:
    """Return eqspec's evaluation `knn`."""
    bench = LabelledBench(data(setting))
    params = {"k": [K], "temperature": TEMPERATURE, "rows": ["encoder"]}
    return Work(lambda: evaluated("knn", params, bench, metric="top1"))


def lightly(setting: Setting) -> Work:
    """Return lightly's function, in batches of 256 as its callback uses it."""
    from lightly.utils.benchmarking import knn_predict

    found = data(setting)
    bank = functional.normalize(found.train, dim=1).T.contiguous()

    def turn() -> Facts:
        right = 0
        for x, y in zip(found.held_out.split(256), found.held_out_labels.split(256), strict=True):
            predicted = knn_predict(
                functional.normalize(x, dim=1),
                bank,
                found.labels,
                num_classes=found.classes,
                knn_k=K,
                knn_t=TEMPERATURE,
            )
            right += int((predicted[:, 0] == y).sum())
        return {"top-1": right / len(found.held_out)}

    return Work(turn)


CASE = Case(
    title="nearest neighbours: 20,000 × 384 features, 5,000 held out, 100 classes",
    about="Weighted votes of the 20 nearest. eqspec also computes confidence intervals.",
    unit="evaluations",
    contestants=(
        Contestant("eqspec", ours),
        Contestant("lightly", lightly, needs=("lightly",)),
    ),
    comparisons=lambda _: (Comparison("lightly", "eqspec", at_least=3.0),),
    agree={"top-1": 1e-6},
)
