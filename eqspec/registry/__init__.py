"""Cards: their schemas, the grammar of method graphs, and the catalogue that finds them.

May import errors, nn and spec. Cards contain facts, numbers and wiring. The ops that they name with
`impl:` are looked up by compile, so that this layer and ops stay independent.

`eqspec.registry.catalog.open_catalog` finds cards by family and name.
"""
