"""Case I: a linear probe with many learning rates."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from benchmarks.speed.work.features import Labelled, labelled
from benchmarks.speed.work.readouts import LabelledBench, evaluated

RATES = tuple(10 ** (-4 + at / 4) for at in range(13))
"""Learning rates of eqspec's probe; scikit-learn gets as many strengths of regularisation."""

OURS, PEER = "eqspec, 13 rates", "scikit-learn, 13 C"


def data(setting: Setting) -> Labelled:
    """Return features of the size of the setting."""
    train = {"full": 2000, "quick": 600, "toy": 200}[setting.scale]
    width = {"full": 384, "quick": 128, "toy": 16}[setting.scale]
    return labelled(train=train, held_out=train // 4, width=width, classes=10)


def probe(setting: Setting) -> Work:
    """Return eqspec's evaluation `linear-probe`, with the epochs of its card."""
    bench = LabelledBench(data(setting))
    epochs = 5 if setting.scale == "toy" else 100
    params = {"lrs": RATES, "slice": 0.1, "epochs": epochs, "batch": 1024, "rows": ["encoder"]}
    return Work(lambda: evaluated("linear_probe", params, bench, metric="top1"))


def logistic(setting: Setting) -> Work:
    """Return logistic regressions, the best on a tenth of the training images fitted again."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    found = data(setting)
    scaler = StandardScaler().fit(found.train)
    x, held_out = scaler.transform(found.train), scaler.transform(found.held_out)
    y = found.labels.numpy()
    kept = len(x) * 9 // 10

    def fitted(strength: float, count: int) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=1000).fit(x[:count], y[:count])

    def turn() -> Facts:
        strengths = [rate * 10 for rate in RATES]
        scores = [fitted(c, kept).score(x[kept:], y[kept:]) for c in strengths]
        best = strengths[scores.index(max(scores))]
        return {"top-1": float(fitted(best, len(x)).score(held_out, found.held_out_labels))}

    return Work(turn)


CASE = Case(
    title="linear probe: 2,000 × 384 features, 10 classes",
    about=(
        "Linear classifiers with 13 learning rates (eqspec, 100 epochs) or strengths of "
        "regularisation (scikit-learn, to convergence) on 9/10 of the training features; the best "
        "on the rest is fitted to all, and classifies held-out features. eqspec also computes "
        "confidence intervals."
    ),
    unit="probes",
    contestants=(Contestant(OURS, probe), Contestant(PEER, logistic, needs=("sklearn",))),
    comparisons=lambda _: (Comparison(PEER, OURS, at_least=10.0),),
)
