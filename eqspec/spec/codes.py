"""Every code of a diagnostic, with a page that explains it.

EQ00x the text · EQ01x one value · EQ02x values together · EQ03x the graph ·
EQ04x evaluations · EQ05x data ·
EQ5xx warnings: legal, but look twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem.

    Attributes:
        code: ``EQ001`` …
        title: a few words.
        explanation: why it is refused (or warned of), and what to do.
    """

    code: str
    title: str
    explanation: str


_ALL = (
    Code(
        "EQ001",
        "unknown key",
        "The schema has no such key here. Unknown keys are refused, because a misspelt one would "
        "otherwise train something else than what was meant. The note lists the keys there are.",
    ),
    Code(
        "EQ002",
        "missing key",
        "A key without a default was not written. The place shown is the mapping that lacks it.",
    ),
    Code(
        "EQ003",
        "duplicate key",
        "The same key stands twice in one mapping. YAML readers keep the last one without a word; "
        "delete the one that is not meant.",
    ),
    Code(
        "EQ004",
        "not YAML",
        "The text cannot be read as YAML 1.2. The place is where reading stopped; the mistake is "
        "often on the line above: a missing quote or bracket, a tab, a colon inside a plain text.",
    ),
    Code(
        "EQ005",
        "a feature of YAML that is not read",
        "Tags (`!!python/…`), merge keys (`<<`), keys that are no text and several documents in "
        "one file are refused: a spec is plain data, and every value has one place in it.",
    ),
    Code(
        "EQ006",
        "too large",
        "The text, its depth or what its aliases expand to is beyond what a person writes.",
    ),
    Code(
        "EQ007",
        "empty",
        "The file holds nothing but blanks and comments. Start from specs/quickstart.yaml.",
    ),
    Code(
        "EQ008",
        "an override that does not fit",
        "`--set path=value`, or a variant under `compare:`, names a place that cannot exist in "
        "this spec: the path leads through a text or a number, or past the end of a list. Lists "
        "are entered by number (`evaluate.0.every=10 epochs`). Below `with`, the rest of the "
        "path is one key: `method.with.embed.width=256` sets `embed.width`.",
    ),
    Code(
        "EQ009",
        "a file that cannot be read",
        "The file is missing, is no file, may not be read, or is not encoded as UTF-8.",
    ),
    Code(
        "EQ010",
        "unknown name",
        "The value must be one of a few names, and this is none of them.",
    ),
    Code(
        "EQ011",
        "wrong type",
        "The value is of another kind than the key needs. Nothing is converted silently: `'3'` is "
        "no number, `1` is not `true`, and in YAML 1.2 `yes`, `no`, `on` and `off` are texts.",
    ),
    Code(
        "EQ012",
        "out of range",
        "The value is of the right kind, but too large, too small or of the wrong length.",
    ),
    Code(
        "EQ013",
        "malformed value",
        "The value cannot be read as what the key needs: a duration is `10 epochs`, `20 steps` or "
        "`65536 samples`; a rate is `1.0e-4 per 256`, `4.0e-3 per sqrt 1024` or a number; a name "
        "is of small letters, digits, `-` and `_`, and never a path to code.",
    ),
    Code(
        "EQ014",
        "a value that JSON cannot hold",
        "Plans are JSON. Infinity, NaN, whole numbers beyond 64 bits and half surrogate pairs "
        "would not come back from it as they were.",
    ),
    Code(
        "EQ020",
        "keys that exclude one another",
        "Exactly one, or at most one, of these keys may be written, because they say the same "
        "thing in two ways (`split` and `d_equi`; `at` and `every`).",
    ),
    Code(
        "EQ021",
        "numbers that do not fit together",
        "Each value is legal by itself, but one has to divide, or be smaller than, the other.",
    ),
    Code(
        "EQ022",
        "a setting that the rewrite does not read",
        "What a rewrite reads is told from the wiring of its card: a transform belongs to one that "
        "reads `between`, `actions` or `global.pixels`, `split` and `d_equi` to one that cuts the "
        "embedding, `images` to one that reconstructs images of the path, `lambda` and `reduction` "
        "to one whose terms name them. A setting that nothing reads would change nothing but look "
        "as if it did. `eqspec show NAME` prints the card.",
    ),
    Code(
        "EQ023",
        "a key of training where nothing is trained",
        "A spec without `train` judges the published weights that `backbone.init` names, as they "
        "are: no method, augmentation or rewrite takes part, and there are no steps to count. Keys "
        "that say how to train would have no effect, and are refused.",
    ),
    Code(
        "EQ030",
        "a graph that does not fit together",
        "The method's streams, the rewrite and the backbone cannot be joined: a stream is not "
        "there, a module or term reads one of the wrong shape, or the method has nothing to cut.",
    ),
    Code(
        "EQ040",
        "an evaluation that its data do not allow",
        "`knn` and `linear-probe` compare what features say with the class of an image, and the "
        "card of the data says that there are no classes. `with: {data: …}` on an evaluation names "
        "other data than the training's; where they lie is said with `--data NAME=DIR`.",
    ),
    Code(
        "EQ041",
        "a transform that the data do not allow",
        "Where samples are objects in several stored views (3DIEBench), the data give both views "
        "and what lies between them: it is read from their latents (`object_rotation`), not drawn "
        "from ranges (`rot`), and there are no images in between to be reconstructed. Where a "
        "sample is one image it is the other way round.",
    ),
    Code(
        "EQ050",
        "data that are not there, or cannot be read",
        "Somebody said where a dataset lies, by `--data`, by `EQSPEC_DATA_<NAME>` or in the "
        "settings file, and what is found there is not what the spec needs: no folder, no image, "
        "another layout, another number of images than the card promises, or more damaged images "
        "than may be. Where data lie is no part of a recipe: setting it right changes no id.",
    ),
    Code(
        "EQ301",
        "weights to start from that cannot be used",
        "`init_from` names a file or a run that is not there, a run without a checkpoint or one "
        "that is not finished (its newest checkpoint would be another one tomorrow), or weights "
        "with another sha256 than the one written beside them, with other names or shapes than the "
        "plan's, or with values that are no numbers. The hash of the weights is part of "
        "the recipe. `init_from` is no resume: training begins at step 0 with a fresh optimizer.",
    ),
    Code(
        "EQ302",
        "published weights that cannot be used",
        "`backbone.init` names a file that is damaged, that holds more than tensors, whose names "
        "are those of no layout in registry/layouts/, whose tensors do not fit the encoder or are "
        "no numbers, or whose sha256 is another than the one written beside it; or a name that "
        "timm does not know. Files are read with "
        "`weights_only`: none can run code. Weights that are not here yet are no error before a "
        "run: `eqspec run` fetches what begins with `timm:`, and says so where it cannot.",
    ),
    Code(
        "EQ401",
        "a grid that cannot be run",
        "`eqspec ablate --grid lambda,split` varies axes over the values that the paper tries; "
        "`--grid lr=1e-4,1e-3` over values of one's own, an axis per `--grid`. An axis is a short "
        "name of the schema or any dotted path, and has to change what is trained; its values are "
        "written as in YAML. `--seeds 3` or `--seeds 0,1,2` repeats every point.",
    ),
    Code(
        "EQ501",
        "λ is 0 although the embedding is split",
        "The equivariant slice is cut out of the embedding but nothing trains it, so the base "
        "method merely loses these features. That is a control experiment, not Ours.",
    ),
    Code(
        "EQ502",
        "a path that the augmentation cannot show",
        "The images between the views would all look the same: the transform's ranges are 0 or, at "
        "this image size, too small to be seen (a blur of σ ≤ 2 at 224 pixels is one of 0.29 at "
        "32), or the augmentation of view 2 always removes what it moves (hue and saturation of a "
        "view that is always grey). Nothing can be learnt from such a path.",
    ),
    Code(
        "EQ503",
        "a covariance from too few samples",
        "A covariance of D dimensions has rank B − 1 at most, and with many more dimensions than "
        "samples its estimate is mostly noise. VICReg itself was trained with 4 dimensions per "
        "sample; beyond that, use a larger batch or a narrower projector.",
    ),
    Code(
        "EQ504",
        "no compiler",
        "`torch.compile` needs a C++ compiler (g++) and Python's headers. Where one is missing, "
        "`compile: auto` means off: the same numbers up to rounding, only slower.",
    ),
    Code(
        "EQ505",
        "bf16 is slower here",
        "This processor has no arithmetic of its own for bf16 (avx512_bf16, amx_bf16; bf16 on "
        "ARM), or this GPU has none (below compute capability 8.0), so every product is converted "
        "to fp32 and back. Measured on one thread of a processor, a transformer block takes 2.6 "
        "times as long at width 64 and 5 times at width 768. Or the encoder is small: also where "
        "a processor has bf16, a block below 40,000 numbers (tokens × width) is hardly faster.",
    ),
    Code(
        "EQ506",
        "a warm-up that outlasts the training",
        "The learning rate rises over more steps than are trained, so it never reaches its peak: "
        "the model is trained at a fraction of the rate that the spec states. Warm-ups are often "
        "in epochs and come from the method's card, while a trial run lasts a few steps.",
    ),
    Code(
        "EQ507",
        "an augmentation that the stored action knows nothing of",
        "The action between two stored views is read from the poses in which they were rendered. "
        "A step that mirrors or turns one of them afterwards makes it wrong, and nothing tells the "
        "network when.",
    ),
    Code(
        "EQ508",
        "nothing is trained and nothing is judged",
        "The spec has no `train`, and its `evaluate` is empty: a run would only store "
        "the published weights.",
    ),
    Code(
        "EQ510",
        "a card that is replaced",
        "A `registry/` beside the spec holds a card of the same name as one that ships with "
        "eqspec. It is used instead; its body is part of the recipe, so its runs are other runs.",
    ),
    Code(
        "EQ511",
        "an evaluation that asks for more images than there are",
        "More neighbours than images make every image vote each time, and a batch of more images "
        "than there are makes an epoch a single step. The numbers are then those of another "
        "protocol: they compare with one another, and not with what is published.",
    ),
    Code(
        "EQ512",
        "values of the recipe that are not used",
        "An `optimizer` or `schedule` with an `impl` takes the place of the whole one in the "
        "method's recipe: what the recipe schedules there, and what `method.with` sets in it, has "
        "no effect. `params` without an `impl` are laid over the recipe's.",
    ),
)

CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _ALL})
"""All codes, in order."""
assert len(CODES) == len(_ALL), "two diagnostics have one code"
