"""Case F: the model part of a step beside its own products and attention, in bf16."""

from __future__ import annotations

from benchmarks.speed.work.model_step import model_step

CASE = model_step(precision="bf16", most=1.12)
