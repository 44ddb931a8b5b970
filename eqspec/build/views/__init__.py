"""Views of images, computed on the device: crops, augmentation steps, the transform path."""
