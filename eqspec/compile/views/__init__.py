"""From augmentations and transforms to the views of a batch: sizes, canvases, draws."""
