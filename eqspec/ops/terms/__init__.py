"""Parts of the loss: named streams to one number, over the global batch."""
