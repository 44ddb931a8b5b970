"""Codes of warnings: legal, but seldom intended."""

from __future__ import annotations

from eqspec.spec.codes.code import Code

WARNINGS = (
    Code(
        "EQ501",
        "λ is 0 although the embedding is split",
        what="`lambda` is 0, so nothing trains the equivariant part of the embedding.",
        why="The method loses these features and gains nothing. This is a control experiment, not "
        "the method of the paper.",
        fix="Set `lambda` above 0, or compare with `equivariance: none`.",
        wrong="equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5, "
        "lambda: 0}",
        right="equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5, "
        "lambda: 1}",
    ),
    Code(
        "EQ502",
        "path that cannot be seen",
        what="The images along the path all look the same: the ranges of the transform are 0 or "
        "too small for this image size, or the augmentation of view 2 removes what the transform "
        "changes (a hue shift of a view that is always grey).",
        why="Nothing can be learnt from such a path. Ranges depend on the size: a blur of σ ≤ 2 at "
        "224 pixels is one of σ ≤ 0.29 at 32.",
        fix="State larger ranges, apply the step to a share of the views (`p`), or choose another "
        "transform.",
        wrong="equivariance: {use: intermediate-reconstruction, transform: {use: rot, with: "
        "{degrees: [0, 0]}}, split: 0.5}",
        right="equivariance: {use: intermediate-reconstruction, transform: {use: rot, with: "
        "{degrees: [-45, 45]}}, split: 0.5}",
    ),
    Code(
        "EQ503",
        "covariance of too few samples",
        what="A loss term estimates a covariance with many more dimensions than samples.",
        why="A covariance of B samples has rank B − 1 at most; with many more dimensions its "
        "estimate is mostly noise. VICReg was trained with 4 dimensions per sample.",
        fix="Use a larger batch or a narrower projector.",
        wrong="method: {use: vicreg}",
        right="method: {use: vicreg, with: {projector.widths: [256, 256]}}",
    ),
    Code(
        "EQ504",
        "no compiler",
        what="`torch.compile` needs a C++ compiler (g++) and the headers of Python, and one of "
        "them is missing.",
        why="`compile: auto` then means off: the same numbers up to rounding, only slower.",
        fix='Install them (Debian: `g++ python3-dev`), or write `compile: "off"`.',
        wrong="machine: {compile: auto}",
        right='machine: {compile: "off"}',
    ),
    Code(
        "EQ505",
        "bf16 is slower here",
        what="This processor or GPU has no bf16 arithmetic (avx512_bf16, amx_bf16, bf16 on ARM; "
        "compute capability 8.0), or the encoder is too small to gain from it.",
        why="Every product is converted to fp32 and back: on one thread, a transformer block takes "
        "2.6 times as long at width 64 and 5 times at width 768. Where a processor has bf16, a "
        "block below 40,000 numbers (tokens × width) gains next to nothing.",
        fix="Train in fp32 here. The precision is part of the recipe.",
        wrong="train: {length: 20 steps, batch: 64, precision: bf16}",
        right="train: {length: 20 steps, batch: 64, precision: fp32}",
    ),
    Code(
        "EQ506",
        "warm-up longer than the training",
        what="The learning rate rises over more steps than are trained.",
        why="It never reaches its peak, so the model trains at a fraction of the stated rate. "
        "Warm-ups often come from the method's card in epochs, while a trial lasts a few steps.",
        fix="Shorten the warm-up with `train.schedule`, or train longer.",
        wrong="train: {length: 20 steps, batch: 64}",
        right="train: {length: 20 steps, batch: 64, schedule: {params: {warmup: 5 steps}}}",
    ),
    Code(
        "EQ507",
        "augmentation that contradicts the stored pose",
        what="A step of the augmentation mirrors or turns a view whose pose is read from the "
        "dataset.",
        why="The action between two stored views is computed from the poses in which they were "
        "rendered, and is wrong after such a step.",
        fix="Use an augmentation without geometric steps, such as `whole`.",
        wrong="augment: {use: crop_flip}",
        right="augment: {use: whole}",
    ),
    Code(
        "EQ508",
        "nothing to train and nothing to evaluate",
        what="The spec has neither `train` nor `evaluate`.",
        why="A run would only store the published weights.",
        fix="Add an evaluation, or train.",
        wrong="evaluate: []",
        right="evaluate: [{use: effective-rank, at: end}]",
    ),
    Code(
        "EQ510",
        "card that replaces a shipped one",
        what="The folder `registry/` beside the spec holds a card of the same name as one that "
        "ships with eqspec. It is used in its place.",
        why="Its content is part of the recipe, so these runs have other ids than runs with the "
        "shipped card.",
        fix="Nothing, if this is intended; otherwise give the card a name of its own.",
        wrong="registry/backbones/vit_small_patch16.yaml",
        right="registry/backbones/my_vit_small.yaml",
    ),
    Code(
        "EQ511",
        "evaluation that asks for more images than there are",
        what="The protocol needs more images than the dataset has: more neighbours than images, or "
        "a batch larger than the dataset.",
        why="The numbers then belong to another protocol: compare them with each other, not with "
        "published ones.",
        fix="Use more images, or lower the number in the protocol.",
        wrong="evaluate: [{use: knn, at: end, with: {data: cifar10, k: [60000]}}]",
        right="evaluate: [{use: knn, at: end, with: {data: cifar10, k: [20]}}]",
    ),
    Code(
        "EQ512",
        "recipe values that are not used",
        what="An `optimizer` or `schedule` with `impl` replaces the whole one of the method's "
        "recipe.",
        why="What the recipe schedules there, and what `method.with` sets in it, has no effect.",
        fix="To change single values, leave out `impl`: `params` alone are merged into the "
        "recipe's.",
        wrong="method: {use: vicreg, with: {recipe.optimizer.params.weight_decay: 0.1}}\n"
        "train: {length: 20 steps, batch: 64, optimizer: {impl: adamw, params: {lr: 1.0e-3}}}",
        right="method: {use: vicreg, with: {recipe.optimizer.params.weight_decay: 0.1}}\n"
        "train: {length: 20 steps, batch: 64, optimizer: {params: {lr: 1.0e-3}}}",
    ),
    Code(
        "EQ513",
        "missing weights",
        what="`backbone.init` names a file that is not on this machine.",
        why="The spec can be checked and planned without it, but `eqspec run` will stop.",
        fix="Correct the path, or copy the file there. Weights named `timm:NAME` are downloaded by "
        "`eqspec run`.",
        wrong="backbone: {use: vit_micro_patch8, init: missing.pth}",
        right="backbone: {use: vit_micro_patch8}",
    ),
    Code(
        "EQ514",
        "reconstruction above its blind floor",
        what="At the end of a training, the images between the views are reconstructed with a "
        "larger error than by a prediction that knows nothing of the transform: view 2, averaged "
        "over all transforms that could have made it. Where the transform cannot be undone, view 2 "
        "itself takes its place.",
        why="Such an error needs no trace of the transform in the features, so it is no evidence "
        "that the path has taught them any. Only R² or another evaluation can tell. `eqspec plan "
        "SPEC --data DIR` measures the floors before a training, and `eqspec show RUN` has them "
        "beside the error that was reached.",
        fix="Train longer; raise `lambda`; use a decoder that is wide enough, or a smaller patch: "
        "where even the floors at the decoder's resolution are not reached, details are lost. "
        "Larger ranges of the transform raise the floor itself.",
        wrong="train: {length: 20 steps, batch: 64}",
        right="train: {length: 100 epochs, batch: 64}",
    ),
)
