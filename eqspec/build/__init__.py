"""From a plan to live torch: modules, views, loader, optimizer.

May import errors up to compile. Decides nothing: every choice and number is read off the plan.

`eqspec.build.program.build_program` builds everything that training needs.
"""
