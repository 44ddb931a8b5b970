"""Whatever stands in a file of a run folder, readers refuse it in words and show the other runs.

`make torture` tries thousands; these are a sample of the same.
"""

from __future__ import annotations

import pytest

from tests.run_readers import damages, read_all
from tests.trained_runs import Runs, train_runs

SAMPLES, EACH = 2, 20


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return train_runs(tmp_path_factory.mktemp("finished"))


@pytest.mark.parametrize("sample", range(SAMPLES))
def test_a_damaged_file_is_refused_in_words(finished: Runs, sample: int) -> None:
    name, other = finished.name(), finished.name("toy-base")
    for reported, file, damaged in damages(finished.folder(), count=EACH, seed=100 + sample):
        whole = file.read_bytes()
        file.write_bytes(damaged)
        try:
            read_all(finished.root, name, other)
        except Exception as error:
            raise AssertionError(reported) from error
        finally:
            file.write_bytes(whole)
