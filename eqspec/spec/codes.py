"""Error codes and their explanations.

EQ00x the text · EQ01x single values · EQ02x combinations of values · EQ03x the graph ·
EQ04x evaluations · EQ05x data · EQ30x weights · EQ40x grids · EQ5xx warnings.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Code:
    """Error code.

    Attributes:
        code: ``EQ001`` …
        title: short description.
        explanation: why the spec is refused (or a warning is given), and how to fix it.
    """

    code: str
    title: str
    explanation: str


_ALL = (
    Code(
        "EQ001",
        "unknown key",
        "The schema has no such key here. Unknown keys are refused, because a misspelt key would "
        "otherwise be ignored silently. The note lists the allowed keys.",
    ),
    Code(
        "EQ002",
        "missing key",
        "A required key is missing. The location is the mapping that lacks it.",
    ),
    Code(
        "EQ003",
        "duplicate key",
        "A mapping contains the same key twice. Most YAML readers silently keep the last one; "
        "delete one of them.",
    ),
    Code(
        "EQ004",
        "not YAML",
        "The text is not valid YAML 1.2. Parsing stopped at the location shown; the mistake is "
        "often on the line above: a missing quote or bracket, a tab, or a colon in a plain string.",
    ),
    Code(
        "EQ005",
        "unsupported YAML feature",
        "Tags (`!!python/…`), merge keys (`<<`), keys that are not strings, and several documents "
        "in one file are refused: a spec is plain data, and every value has a single location.",
    ),
    Code(
        "EQ006",
        "too large",
        "The text, its nesting depth or the expansion of its aliases exceeds the limits.",
    ),
    Code(
        "EQ007",
        "empty",
        "The file contains only white space and comments. Start from specs/quickstart.yaml.",
    ),
    Code(
        "EQ008",
        "invalid override",
        "`--set path=value`, or a variant under `compare:`, has a path that cannot exist in this "
        "spec: it leads through a string or a number, or past the end of a list. Items of lists "
        "are numbered (`evaluate.0.every=10 epochs`). Below `with`, the rest of the path is a "
        "single key: `method.with.embed.width=256` sets `embed.width`.",
    ),
    Code(
        "EQ009",
        "unreadable file",
        "The file is missing, is not a regular file, may not be read, or is not encoded as UTF-8.",
    ),
    Code(
        "EQ010",
        "unknown name",
        "The value must be one of the listed names.",
    ),
    Code(
        "EQ011",
        "wrong type",
        "The value has another type than the key needs. Nothing is converted silently: `'3'` is "
        "not a number, `1` is not `true`, and in YAML 1.2 `yes`, `no`, `on` and `off` are strings.",
    ),
    Code(
        "EQ012",
        "out of range",
        "The value has the right type, but is too large, too small or of the wrong length.",
    ),
    Code(
        "EQ013",
        "malformed value",
        "The value does not have the format that the key needs: a duration is `10 epochs`, `20 "
        "steps` or `65536 samples`; a rate is `1.0e-4 per 256`, `4.0e-3 per sqrt 1024` or a "
        "number; a name consists of lower-case letters, digits, `-` and `_`, and is never a path "
        "to code.",
    ),
    Code(
        "EQ014",
        "value not representable in JSON",
        "Plans are stored as JSON, which cannot represent infinity, NaN, integers beyond 64 bits "
        "or lone surrogates.",
    ),
    Code(
        "EQ020",
        "mutually exclusive keys",
        "Only one of these keys may be set, because they are two ways to set the same thing "
        "(`split` and `d_equi`; `at` and `every`).",
    ),
    Code(
        "EQ021",
        "incompatible numbers",
        "Each value is valid by itself, but one must divide, or be smaller than, the other.",
    ),
    Code(
        "EQ022",
        "setting not used by the rewrite",
        "The card of a rewrite determines its settings: `transform` if it reads `between`, "
        "`actions` or `global.pixels`; `split` and `d_equi` if it cuts the embedding; `images` if "
        "it reconstructs images of the path; `lambda` and `reduction` if its terms name them. A "
        "setting that is not used would have no effect, so it is refused. `eqspec show NAME` "
        "prints the card.",
    ),
    Code(
        "EQ023",
        "training key without training",
        "A spec without `train` evaluates the published weights named by `backbone.init`: it uses "
        "no method, augmentation or rewrite, and has no steps. Keys about training would have no "
        "effect, so they are refused.",
    ),
    Code(
        "EQ030",
        "inconsistent graph",
        "Method, rewrite and backbone do not fit together: a stream is missing, a module or term "
        "reads a stream of the wrong shape, or the method has no embedding to cut.",
    ),
    Code(
        "EQ040",
        "evaluation impossible on its data",
        "`knn` and `linear-probe` need classes, but the card of the dataset has none. `with: "
        "{data: …}` of an evaluation selects another dataset; `--data NAME=DIR` sets its folder.",
    ),
    Code(
        "EQ041",
        "transform impossible with the data",
        "If samples are objects with several stored views (3DIEBench), the dataset provides both "
        "views, and the transform between them is computed from their latents "
        "(`object_rotation`), not drawn from ranges (`rot`); there are no images between the views "
        "to reconstruct. If a sample is a single image, the reverse holds.",
    ),
    Code(
        "EQ050",
        "data missing or unreadable",
        "The folder of a dataset, set by `--data`, by `EQSPEC_DATA_<NAME>` or in the settings "
        "file, does not contain what the spec needs: there is no folder or no image, the layout "
        "or the number of images differs from the card, or too many images are damaged. The "
        "location of data is not part of a recipe, so correcting it changes no id.",
    ),
    Code(
        "EQ301",
        "unusable initial weights",
        "`init_from` names a file or a run that does not exist, a run without a checkpoint or one "
        "that is not finished (its newest checkpoint would change), or weights whose sha256 "
        "differs from the given one, whose names or shapes differ from the plan's, or that contain "
        "values that are not finite. The hash of the weights is part of the recipe. `init_from` "
        "does not resume: training begins at step 0 with a new optimizer.",
    ),
    Code(
        "EQ302",
        "unusable published weights",
        "`backbone.init` names a file that is damaged, that contains more than tensors, that "
        "matches no layout in registry/layouts/, whose tensors do not fit the encoder or are not "
        "finite, or whose sha256 differs from the given one; or it is a name that timm does not "
        "know. Files are read with `weights_only`, so they cannot run code. Weights that are not "
        "downloaded yet are no error: `eqspec run` downloads names with `timm:`, and reports it if "
        "that fails.",
    ),
    Code(
        "EQ401",
        "invalid grid",
        "`eqspec ablate --grid lambda,split` varies axes over the values in the paper; `--grid "
        "lr=1e-4,1e-3` over the given values, one axis per `--grid`. An axis is a short name from "
        "the schema or any dotted path, and must change what is trained; values are written as in "
        "YAML. `--seeds 3` or `--seeds 0,1,2` repeats every point.",
    ),
    Code(
        "EQ501",
        "λ is 0 although the embedding is split",
        "The equivariant slice is cut from the embedding but not trained, so the base method only "
        "loses these features. This is a control experiment, not Ours.",
    ),
    Code(
        "EQ502",
        "invisible path",
        "The images between the views would all look the same: the ranges of the transform are 0 "
        "or too small to be visible at this image size (a blur of σ ≤ 2 at 224 pixels is one of "
        "0.29 at 32), or the augmentation of view 2 always removes what the transform changes (hue "
        "and saturation of a view that is always grey). Nothing can be learnt from such a path.",
    ),
    Code(
        "EQ503",
        "covariance from too few samples",
        "A covariance of D dimensions has rank B − 1 at most; with many more dimensions than "
        "samples its estimate is mostly noise. VICReg was trained with 4 dimensions per sample; "
        "beyond that, use a larger batch or a narrower projector.",
    ),
    Code(
        "EQ504",
        "no compiler",
        "`torch.compile` needs a C++ compiler (g++) and Python's headers. If one is missing, "
        "`compile: auto` means off: the results are the same up to rounding, but slower.",
    ),
    Code(
        "EQ505",
        "bf16 is slower here",
        "This processor has no native bf16 arithmetic (avx512_bf16, amx_bf16; bf16 on ARM), or "
        "this GPU has none (compute capability below 8.0), so every product is converted to fp32 "
        "and back. Measured on one thread of a processor, a transformer block takes 2.6 times as "
        "long at width 64 and 5 times at width 768. Or the encoder is small: even on a processor "
        "with bf16, a block with less than 40,000 values (tokens × width) gains almost nothing.",
    ),
    Code(
        "EQ506",
        "warm-up longer than the training",
        "The learning rate rises over more steps than are trained, so it never reaches its peak: "
        "the model is trained at a fraction of the rate in the spec. Warm-ups are often in epochs "
        "and come from the card of the method, while a trial run has only a few steps.",
    ),
    Code(
        "EQ507",
        "augmentation invalidates the stored action",
        "The action between two stored views is computed from the poses in which they were "
        "rendered. A step that mirrors or rotates one of them afterwards makes the action wrong.",
    ),
    Code(
        "EQ508",
        "nothing to train or evaluate",
        "The spec has no `train`, and its `evaluate` is empty: a run would only store the "
        "published weights.",
    ),
    Code(
        "EQ510",
        "replaced card",
        "A `registry/` next to the spec has a card with the same name as one of eqspec. It is used "
        "instead. The card is part of the recipe, so runs with it are separate runs.",
    ),
    Code(
        "EQ511",
        "more images needed than there are",
        "With more neighbours than images, every image votes every time; with a batch of more "
        "images than there are, an epoch is a single step. Such results follow another protocol: "
        "they can be compared with each other, but not with published ones.",
    ),
    Code(
        "EQ512",
        "unused values of the recipe",
        "An `optimizer` or `schedule` with an `impl` replaces the one in the method's recipe "
        "completely: schedules in the recipe and values set by `method.with` in it have no effect. "
        "`params` without an `impl` override single values of the recipe.",
    ),
    Code(
        "EQ513",
        "missing weights",
        "`backbone.init` names a file that is not on this machine. The spec can be planned without "
        "it; `eqspec run` stops. Weights named `timm:…` are downloaded by `run` instead.",
    ),
)

CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _ALL})
"""All codes, in order."""
assert len(CODES) == len(_ALL), "two entries have the same code"
