"""For tests of what only the vault's SQLite file can suffer."""

import pytest

only_sqlite = pytest.mark.parametrize("vault", ["sqlite"], indirect=True)
