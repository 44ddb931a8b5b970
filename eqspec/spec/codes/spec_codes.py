"""Codes of problems in the text of a spec, in single values and in values together."""

from __future__ import annotations

from eqspec.spec.codes.code import Code

TEXT = (
    Code(
        "EQ001",
        "unknown key",
        what="The schema has no such key at this place.",
        why="If unknown keys were ignored, a misspelt key would silently train with its default.",
        fix="Correct the spelling; the help line names the nearest key, and the note all keys that "
        "are allowed here. `eqspec schema` prints the whole schema.",
        wrong="train: {length: 20 steps, batch_size: 64, batch: 64}",
        right="train: {length: 20 steps, batch: 64}",
    ),
    Code(
        "EQ002",
        "missing key",
        what="A key that has no default is missing. The location is the mapping that lacks it.",
        why="There is no value that would be right for most experiments, so none is assumed.",
        fix="Add the key. `eqspec explain PATH` describes it, with its unit and the paper's value.",
        wrong="train: {batch: 64}",
        right="train: {length: 20 steps, batch: 64}",
    ),
    Code(
        "EQ003",
        "duplicate key",
        what="The same key appears twice in one mapping.",
        why="Most YAML readers keep the last value without a warning, so one of the two would be "
        "lost unnoticed.",
        fix="Delete one of them.",
        wrong="seed: 1\nseed: 2",
        right="seed: 2",
    ),
    Code(
        "EQ004",
        "not YAML",
        what="The text cannot be parsed as YAML 1.2. The location is where parsing stopped.",
        why="Nothing after this point can be read.",
        fix="Look at the marked line and the one above it: usually a quote or bracket is not "
        "closed, a tab is used for indentation, or a text that contains `: ` has no quotes.",
        wrong="data: {use: photos",
        right="data: {use: photos}",
    ),
    Code(
        "EQ005",
        "unsupported YAML feature",
        what="The file uses a tag (`!!python/…`), a merge key (`<<`), a key that is not a text, or "
        "a second document.",
        why="A spec is plain data: loading it never runs code, and each value has one location.",
        fix="Remove the tag, write merged keys out, put keys in quotes, and use one file per spec.",
        wrong="seed: !!int 3",
        right="seed: 3",
    ),
    Code(
        "EQ006",
        "too large",
        what="The text is too long, too deeply nested, or its aliases expand to too many values.",
        why="Limits keep a damaged or hostile file from using up memory. They are far above what "
        "people write: 1,000,000 characters, 50 levels, 10,000 values.",
        fix="Check that this is the right file. Move variants to `compare:` or to specs of their "
        "own.",
        wrong="eqspec check data/annotations.yaml",
        right="eqspec check specs/quickstart.yaml",
    ),
    Code(
        "EQ007",
        "empty file",
        what="The file contains nothing but blank lines and comments.",
        why="A spec needs at least `schema`, `data`, `backbone` and, to train, `method` and "
        "`train`.",
        fix="Create a spec with `eqspec init`, or copy specs/quickstart.yaml.",
        wrong="eqspec check empty.yaml",
        right="eqspec init my-experiment",
    ),
    Code(
        "EQ008",
        "override that does not fit",
        what="A `--set PATH=VALUE`, or an entry of a variant under `compare:`, leads through a "
        "text or a number, or past the end of a list.",
        why="There is nothing at that path that could be replaced or added.",
        fix="List the paths of a spec with `eqspec explain SPEC`. Items of lists go by number: "
        "`evaluate.0.every=10 epochs`. Below `with`, the rest of the path is one key: "
        "`method.with.embed.width=256` sets `embed.width`.",
        wrong="compare: {large: {train.batch.size: 128}}",
        right="compare: {large: {train.batch: 128}}",
    ),
    Code(
        "EQ009",
        "file that cannot be read",
        what="The file is missing, is a folder or a pipe, has no read permission, or is not UTF-8.",
        why="Without its text there is nothing to check.",
        fix="Check the path. A spec that ships with eqspec can be given by name alone.",
        wrong="eqspec check specs/quikstart.yaml",
        right="eqspec check quickstart",
    ),
)

VALUES = (
    Code(
        "EQ010",
        "unknown name",
        what="The value must be one of a fixed set of names, or the name of a card or op, and it "
        "is not.",
        why="A name is only known if a file of that name exists in registry/ or eqspec/ops/.",
        fix="Use one of the names in the help line; `eqspec list backbones` (methods, datasets, …) "
        "shows them with a sentence each.",
        wrong="backbone: {use: vit_micro}",
        right="backbone: {use: vit_micro_patch8}",
    ),
    Code(
        "EQ011",
        "wrong type",
        what="The value has another type than the key needs.",
        why='Values are never converted silently: `"3"` is a text and not a number, `1` is not '
        "`true`, and in YAML 1.2 `yes`, `no`, `on` and `off` are texts.",
        fix="Write the value in the type that the message asks for.",
        wrong='seed: "3"',
        right="seed: 3",
    ),
    Code(
        "EQ012",
        "out of range",
        what="The value has the right type, but is too large, too small or of the wrong length.",
        why="Outside of this range the value has no meaning.",
        fix="Choose a value within the limits that the message states.",
        wrong="seed: -1",
        right="seed: 1",
    ),
    Code(
        "EQ013",
        "malformed value",
        what="The text does not have the form that the key needs.",
        why="A duration needs its unit: `10 epochs`, `20 steps` or `65536 samples`. A learning "
        "rate is a number, or follows the batch: `1.0e-4 per 256`, `4.0e-3 per sqrt 1024`. A name "
        "consists of small letters, digits, `-` and `_`; a spec never names code or files.",
        fix="Write the value in the form that the message shows.",
        wrong="train: {length: 20 batches, batch: 64}",
        right="train: {length: 20 steps, batch: 64}",
    ),
    Code(
        "EQ014",
        "value that JSON cannot hold",
        what="The value is infinite, NaN, a whole number beyond 64 bits, or a text with half a "
        "surrogate pair.",
        why="Plans are stored as JSON, and this value would not be the same when read back.",
        fix="Use a finite number, or put the value in quotes if it is a text.",
        wrong="seed: 99999999999999999999",
        right="seed: 99",
    ),
)

TOGETHER = (
    Code(
        "EQ020",
        "keys that exclude each other",
        what="Two keys are set of which only one may be, or none of them is and one has to be.",
        why="They state the same thing in two ways (`split` and `d_equi`, `at` and `every`), and "
        "could contradict each other.",
        fix="Keep one of them.",
        wrong="equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5, "
        "d_equi: 32}",
        right="equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}",
    ),
    Code(
        "EQ021",
        "numbers that do not fit together",
        what="Each value is legal by itself, but one has to divide the other or be smaller.",
        why="Patches have to tile the image, a batch cannot be larger than the dataset, batch "
        "statistics need groups of equal size, and a split has to leave features on both sides.",
        fix="Change one of the two; both locations are shown, and the help line names values that "
        "fit.",
        wrong="train: {length: 20 steps, batch: 5000}",
        right="train: {length: 20 steps, batch: 64}",
    ),
    Code(
        "EQ022",
        "setting that the rewrite does not read",
        what="A key below `equivariance` has no effect on this rewrite.",
        why="A setting without effect would look as if the run depended on it. What a rewrite "
        "reads follows from its card: `transform` if it reads `between`, `actions` or "
        "`global.pixels`; `split` and `d_equi` if it cuts the embedding; `images` if it "
        "reconstructs images of the path; `lambda` and `reduction` if its terms name them.",
        fix="Delete the key, or choose a rewrite that reads it; `eqspec show NAME` prints its "
        "card.",
        wrong="equivariance: {use: e-ssl, split: 0.5}",
        right="equivariance: {use: e-ssl}",
    ),
    Code(
        "EQ023",
        "training setting in a spec that does not train",
        what="The spec has no `train`, but sets a key that only a training reads.",
        why="Without `train`, the published weights of `backbone.init` are evaluated as they are: "
        "no method, augmentation or rewrite takes part, and there are no steps to count.",
        fix="Delete the key, or add `train` to continue training from these weights.",
        wrong="train: null",
        right="train: {length: 20 steps, batch: 64}",
    ),
    Code(
        "EQ024",
        "evaluation of a predictor that the rewrite does not have",
        what="The evaluation measures predictions of one view from another, and the rewrite makes "
        "none, or the spec has no rewrite.",
        why="Some rewrites predict the representation of a view from that of another one and an "
        "action; others reconstruct pixels, tell transforms apart or compare features, and have "
        "nothing to measure here. The card of a rewrite with a predictor names its streams under "
        "`predicts`.",
        fix="Leave the evaluation out, or choose a rewrite with a predictor: `sie`, `equimod`, "
        "`stl`. A variant may have an evaluation of its own: "
        "`compare: {sie: {evaluate.1: {use: …}}}` adds one after `evaluate.0`.",
        wrong="equivariance: {use: e-ssl}\nevaluate: [{use: predictor-retrieval, at: end}]",
        right="equivariance: {use: equimod}\nevaluate: [{use: predictor-retrieval, at: end}]",
    ),
    Code(
        "EQ030",
        "graph that does not fit together",
        what="The method, the rewrite and the backbone cannot be joined to a training graph: a "
        "stream is missing or has the wrong shape, or the method has no embedding to rewrite.",
        why="Shapes are checked when the spec is compiled, so that this does not fail in the "
        "middle of a run.",
        fix="Follow the help line. `eqspec show NAME` prints the graph of a method and what a "
        "rewrite needs.",
        wrong="method: {use: mae}\nequivariance: {use: intermediate-reconstruction, transform: "
        "{use: rot}}",
        right="method: {use: mae}\nequivariance: none",
    ),
)
