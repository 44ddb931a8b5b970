"""Choices: the cards under registry/, their schema and the grammar of method graphs.

May import errors, nn and spec. Cards are facts, numbers and wiring; what they name with `impl:` is
looked up by compile, so that this layer and ops stay independent.

`eqspec.registry.catalog.open_catalog` finds cards by family and name.
"""
