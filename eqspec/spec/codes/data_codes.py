"""Codes of problems with data, with weights and with grids."""

from __future__ import annotations

from eqspec.spec.codes.code import Code

DATA = (
    Code(
        "EQ040",
        "evaluation that needs labels or other targets",
        what="`knn` and `linear-probe` predict the class of an image, and this dataset has no "
        "classes; or an evaluation reads masks, boxes or other targets that the dataset lacks.",
        why="There is nothing that the features could be compared with.",
        fix="Evaluate on a labelled dataset with `with: {data: NAME}`, and state where it is with "
        "`--data NAME=DIR`.",
        wrong="evaluate: [{use: knn, at: end}]",
        right="evaluate: [{use: knn, at: end, with: {data: cifar10}}]",
    ),
    Code(
        "EQ041",
        "transform that does not fit the data",
        what="The transform is drawn where the dataset stores both views, or read from stored "
        "latents where the dataset has none.",
        why="Where a sample is an object in several stored views (3DIEBench), the transform "
        "between two views follows from their latents, and there are no images in between to "
        "reconstruct. Where a sample is one image, the transform is drawn from ranges.",
        fix="Use `object_rotation` with stored views and a rewrite that reads actions, such as "
        "`sie`; use `rot`, `se2`, `trans`, `color` or `blur` with single images.",
        wrong="equivariance: {use: intermediate-reconstruction, transform: {use: "
        "object_rotation}, split: 0.5}",
        right="equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}",
    ),
    Code(
        "EQ050",
        "data that are missing or cannot be read",
        what="The location given for a dataset (by `--data`, `EQSPEC_DATA_<NAME>` or the settings "
        "file) does not hold what the spec needs: no folder, no images, another layout, fewer "
        "images than the card promises, or too many damaged files.",
        why="Training on other data than the spec names would give numbers under a wrong name.",
        fix="Correct the path. The location is not part of the recipe, so no id changes.",
        wrong="eqspec run quickstart --data imagse/",
        right="eqspec run quickstart --data images/",
    ),
)

WEIGHTS = (
    Code(
        "EQ301",
        "initial weights that cannot be used",
        what="`init_from` names a file or run that does not exist, a run without a checkpoint or "
        "one that has not finished, or weights whose sha256, names, shapes or values do not fit.",
        why="The hash of the weights is part of the recipe, so they must be final and complete. "
        "`init_from` does not resume a run: training starts at step 0 with a new optimizer.",
        fix="Name a finished run, or one file below its `checkpoints/`. To load only what fits, "
        "write `partial: true`.",
        wrong="init_from: runs/pretrain",
        right="init_from: runs/pretrain/194d887c-s0/checkpoints/step-00000260.safetensors",
    ),
    Code(
        "EQ302",
        "published weights that cannot be used",
        what="`backbone.init` names a file that is damaged or holds more than tensors, whose "
        "tensor names match no layout in registry/layouts/, whose tensors do not fit the encoder, "
        "or whose sha256 differs from the stated one; or a name that timm does not know.",
        why="Weights that are loaded into the wrong place give an encoder that looks valid and is "
        "not. Files are read with `weights_only`, so that none can run code.",
        fix="Check file, backbone and hash; describe a new layout by a card in "
        "`registry/layouts/`. Weights that are not downloaded yet are no error: `eqspec run` "
        "fetches names that begin with `timm:`.",
        wrong="backbone: {use: vit_base_patch16, init: dino_vitsmall16.pth}",
        right="backbone: {use: vit_small_patch16, init: dino_vitsmall16.pth}",
    ),
    Code(
        "EQ401",
        "grid that cannot be run",
        what="`eqspec ablate --grid` names an axis or a value that the spec does not have, or one "
        "that does not change what is trained.",
        why="Each point of a grid is a run of its own, so each has to be a legal, distinct spec.",
        fix="`--grid lambda,split` varies axes over the paper's values, `--grid lr=1e-4,1e-3` over "
        "your own; an axis is a short name of the schema or any dotted path. `--seeds 3` repeats "
        "every point.",
        wrong="eqspec ablate quickstart --grid batchsize=32,64",
        right="eqspec ablate quickstart --grid batch=32,64",
    ),
)
