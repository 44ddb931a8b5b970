"""What a plan costs, cached. Free of torch: `eqspec.build.cost.trace` measures on meta tensors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity that grows with the number of samples: ``fixed + samples · each``."""

    fixed: float
    each: float

    def at(self, samples: float) -> float:
        """Its value for so many samples."""
        return self.fixed + samples * self.each


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of tensors that are alive in a training step, in float32.

    Counted as the step is carried out: every tensor from its making to its end, forwards and
    backwards, with attention as fused kernels do it and with the measurement of each term's
    gradient that the first step makes. Not counted are a kernel's own workspace, gathered copies
    of other ranks' samples, what an allocator holds beyond what is alive, the loader's processes,
    and torch itself. `tests/integration/test_memory.py` compares it with a process.

    Attributes:
        weights: of students, teachers and the state of terms.
        gradients: one number per trained parameter.
        optimizer: its state after the first step.
        inputs: the streams that a batch is made of.
        cut: what crosses from the encoders to the judge.
        encode: what the encoders have left alive once they are done: what is kept for the backward
            pass, and `cut`.
        judge: the most that is alive beyond that while heads, decoders and terms go forwards and
            backwards.
        backward: the most that is alive while the encoders go backwards, `encode` and gradients
            among it.
    """

    weights: int
    gradients: int
    optimizer: int
    inputs: Line
    cut: Line
    encode: Line
    judge: Line
    backward: Line

    def peak(self, samples: float, *, micro_batches: int = 1, precision: str = "fp32") -> float:
        """Bytes on one device.

        Args:
            samples: of the device's share of the batch.
            micro_batches: pieces in which that share is encoded.
            precision: under bf16 the encoders keep half as much.
        """
        share = 0.5 if precision == "bf16" else 1.0
        pieces = samples / micro_batches
        kept, cut = share * self.encode.at(samples), self.cut.at(samples)
        backward = self.gradients + share * max(0.0, self.backward.at(pieces) - self.gradients)
        if micro_batches > 1:  # between the two passes only the cut and its gradient are there
            kept, backward = cut, 2 * cut + backward
        fixed = self.weights + self.optimizer + self.inputs.at(samples)
        return fixed + max(kept + self.judge.at(samples), backward)

    @property
    def checkpoint(self) -> int:
        """Bytes of one checkpoint."""
        return self.weights + self.optimizer


@dataclass(frozen=True, slots=True)
class Trace:
    """What a plan costs before anything is allocated.

    Attributes:
        parameters: module → number of trained parameters; of the encoder alone where nothing is
            trained.
        frozen: number of parameters that teachers hold.
        gflops_per_sample: forward pass, encoders and judge.
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
