"""Views of images, made on the device: crops, augmentation steps, the transform path."""
