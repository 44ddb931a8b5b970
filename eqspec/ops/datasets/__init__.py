"""Where images and labels come from: length, image by index, labels, and a fingerprint.

Beside `open`, a dataset op may state

    recognises(params, folder)          whether a folder holds it; else every folder does
    fits(params, folder, *, classes)    whether a folder may hold what a card promises
    survey(params, folder)              what is read of a folder and what is left out
    image_size(params)                  width and height, where all images have the same
    needs_folder                        whether it cannot do without a folder
    sample_unit, source_unit            words for a sample and for what samples come from
    stored_latents(params)              numbers stored with each view (`eqspec.ops.stored_views`)
"""
