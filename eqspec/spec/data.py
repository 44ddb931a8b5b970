"""The section `data` of a spec: a dataset card, and which images are hashed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from eqspec.spec.facts import facts
from eqspec.spec.use import CardBody, CardUse, use_or_body

Fingerprint = Literal["sample", "full"]
"""Images whose content is hashed each time a run begins or continues: some, or all."""


class DataUse(CardUse):
    """A dataset card by name, and the scope of the fingerprint of its images."""

    fingerprint: Fingerprint = Field(
        default="sample",
        description="`full` hashes the content of all training images whenever a run begins or "
        "goes on; `sample` that of some, and of the others as training reads them.",
        json_schema_extra=facts(identity="how"),
    )


Data = Annotated[
    Annotated[DataUse, Tag("use")] | Annotated[CardBody, Tag("card")],
    Discriminator(use_or_body),
]
"""`{use: name, with: {…}, fingerprint: …}`, or a card's body, which may hold `fingerprint` too."""
