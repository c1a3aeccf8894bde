"""report.html: one self-contained page for each run, made from run.json alone.

``charts.py`` draws (Vega-Lite, rendered to SVG here, not in the reader's browser), ``sections.py`` and
``quality_sections.py`` say what is shown, ``page.py`` puts it into ``page.html.j2``, ``files.py`` writes it beside
run.json. No table of the run is read and no value of a patient is known here.
"""
