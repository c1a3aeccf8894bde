"""Networks that turn standardised fields and notes into vectors: torch lives here, Spark does not.

``text`` (characters in), ``towers`` (networks), ``losses``, ``encoder`` (vectors out), ``checkpoint`` (folders),
``fit`` (training). Importing the package imports no torch; the submodules do.
"""
