"""Where images and labels come from: length, image by index, labels, and a fingerprint."""
