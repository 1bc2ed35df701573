"""Golden cases: what goes into a pipeline and the documents that must come out of it, in a folder of readable files.

`python -m logstash_py test FOLDER` runs them; `tester.pytest_plugin` makes each a pytest test.
"""

from .suite import Case, Suite, SuiteError, load

__all__ = ["Case", "Suite", "SuiteError", "load"]
