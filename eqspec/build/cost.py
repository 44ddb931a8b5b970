"""What a plan costs, free of torch: `eqspec.build.trace` finds it with modules on meta tensors."""

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
    """Bytes that a training step holds, in float32.

    An estimate: what autograd keeps for the backward pass is counted, tensor by tensor, with
    attention as fused kernels do it. Not counted are a kernel's own workspace, fragmentation,
    gathered copies of other ranks' samples, the loader's processes and torch itself. On a CPU, the
    quickstart's process grew by 133 and 214 MiB in three steps of 64 (base, with reconstruction)
    and by 426 MiB in three of 256 (base), where this says 90, 145 and 308.

    Attributes:
        weights: of students, teachers and the state of terms.
        gradients: one number per trained parameter.
        optimizer: its state after the first step.
        inputs: the streams that a batch is made of.
        encode: what the encoders keep for the backward pass.
        judge: what heads, decoders and terms keep.
    """

    weights: int
    gradients: int
    optimizer: int
    inputs: Line
    encode: Line
    judge: Line

    def peak(self, samples: float, *, micro_batches: int = 1, precision: str = "fp32") -> float:
        """Bytes on one device.

        Args:
            samples: of the device's share of the batch.
            micro_batches: pieces in which that share is encoded.
            precision: under bf16 the encoders keep half as much.
        """
        share = 0.5 if precision == "bf16" else 1.0
        fixed = self.weights + self.gradients + self.optimizer
        encoded = share * self.encode.at(samples / micro_batches)
        return fixed + self.inputs.at(samples) + encoded + self.judge.at(samples)

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
