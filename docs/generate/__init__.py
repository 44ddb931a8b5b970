"""Reference pages of the documentation site, generated from the code when the site is built.

`make docs` builds the site; `mkdocs.yml` is its configuration. `docs.generate.pages.generated`
returns every generated page, so that tests can check links without building the site.
"""
