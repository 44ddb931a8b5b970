"""Cost of a plan as stored data; `eqspec.build.cost.trace` measures it. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity that grows with the number of samples: ``fixed + samples · each``."""

    fixed: float
    each: float

    def at(self, samples: float) -> float:
        """Return its value for a number of samples."""
        return self.fixed + samples * self.each


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of live tensors in a training step, in the plan's precision.

    Counted along the step: every tensor from its creation to its end, forward and backward, with
    fused attention kernels and with the first step's measurement of each term's gradient. Not
    counted are a kernel's own workspace, gathered copies of other ranks' samples, an allocator's
    reserve, the loader's processes, and torch itself. `tests/integration/test_memory.py` compares
    it with a process.

    Attributes:
        weights: of students, teachers and the state of terms.
        gradients: one number per trained parameter.
        optimizer: its state after the first step.
        inputs: the streams of a batch.
        cut: streams that cross from the encoders to the second part of the graph, `loss`.
        encode: alive when the encoders are done: activations for the backward pass, and `cut`.
        loss: peak beyond that during forward and backward of heads, decoders and terms.
        backward: peak during the encoders' backward, `encode` and gradients included.
    """

    weights: int
    gradients: int
    optimizer: int
    inputs: Line
    cut: Line
    encode: Line
    loss: Line
    backward: Line

    def peak(self, samples: float, *, micro_batches: int = 1) -> float:
        """Return the peak in bytes on one device.

        Args:
            samples: of the device's share of the batch.
            micro_batches: pieces in which that share is encoded.
        """
        pieces = samples / micro_batches
        kept, cut = self.encode.at(samples), self.cut.at(samples)
        backward = self.backward.at(pieces)
        if micro_batches > 1:  # between the two passes only the cut and its gradient are alive
            kept, backward = cut, 2 * cut + backward
        fixed = self.weights + self.optimizer + self.inputs.at(samples)
        return fixed + max(kept + self.loss.at(samples), backward)

    @property
    def checkpoint(self) -> int:
        """Bytes of one checkpoint."""
        return self.weights + self.optimizer


@dataclass(frozen=True, slots=True)
class Trace:
    """Cost of a plan, known before anything is allocated.

    Attributes:
        parameters: module → number of trained parameters; only the encoder's without training.
        frozen: number of parameters of teachers.
        gflops_per_sample: forward pass of the whole graph.
        train_gflops_per_sample: forward and backward; with more than one micro-batch also the
            encoders' second forward pass.
        memory: of a training step.
    """

    parameters: dict[str, int]
    frozen: int
    gflops_per_sample: float
    train_gflops_per_sample: float
    memory: Memory

    @property
    def trained(self) -> int:
        """Trained parameters in all."""
        return sum(self.parameters.values())
