"""Whatever stands in a file of a run folder, readers refuse it in words and show the other runs.

`make torture` tries thousands; these are a sample of the same.
"""

from __future__ import annotations

import pytest

from tests.run_readers import damages, read_all
from tests.trained_runs import Runs, train_runs

SAMPLES, EACH = 2, 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return train_runs(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("sample", range(SAMPLES))
def test_a_damaged_file_is_refused_in_words(made: Runs, sample: int) -> None:
    name, other = made.name(), made.name("toy-base")
    for said, file, damaged in damages(made.folder(), count=EACH, seed=100 + sample):
        whole = file.read_bytes()
        file.write_bytes(damaged)
        try:
            read_all(made.root, name, other)
        except Exception as error:
            raise AssertionError(said) from error
        finally:
            file.write_bytes(whole)
