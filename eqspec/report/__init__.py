"""Pages and pictures made from what a run folder holds.

May import errors up to runs; not launch. Reads records only, so a report can always be made again.

`eqspec.report.page.render_page` writes a run as one page that stands alone.
"""
