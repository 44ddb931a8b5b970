"""Schedules: values as pure functions of the step and the length of training."""
