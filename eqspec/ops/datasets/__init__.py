"""Datasets: length, image by index, labels, and a fingerprint.

In addition to `open`, a dataset op may define

    recognises(params, folder)          whether a folder contains the dataset; default: true
    fits(params, folder, *, classes)    whether a folder matches the facts of a card
    survey(params, folder)              what is read from a folder and what is ignored
    image_size(params)                  width and height, if all images have the same size
    needs_folder                        whether the dataset needs a folder
    sample_unit, source_unit            words for a sample and for the source of samples
    stored_latents(params)              numbers stored with each view (`eqspec.ops.stored_views`)
"""
