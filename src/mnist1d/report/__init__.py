"""A record as something to read: `RESULTS.md`, and one HTML page that needs nothing else.

`reading` gathers what there is to say (`contents`), `render` puts it into templates, `pictures`
draws the figures.
Nothing is computed here that an experiment does not compute from its stored result.
"""

from mnist1d.report.contents import Report
from mnist1d.report.reading import read_report
from mnist1d.report.render import to_markdown, to_page

__all__ = ["Report", "read_report", "to_markdown", "to_page"]
