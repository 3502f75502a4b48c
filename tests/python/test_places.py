"""Where the library and the program are looked for: the package, the clone, the system."""

import os
import tempfile
import unittest
from unittest import mock

from expunge import _library


class Places(unittest.TestCase):
    def test_order(self):
        with tempfile.TemporaryDirectory() as folder:
            here = os.path.join(folder, "python", "expunge")
            os.makedirs(here)
            with mock.patch.object(_library, "HERE", here):
                places = "/system/x", os.path.join(folder, "build", "x"), os.path.join(here, "bin", "x")
                for place in places:  # each comes before those ahead of it
                    if place != "/system/x":
                        os.makedirs(os.path.dirname(place))
                        open(place, "w").close()
                    self.assertEqual(os.path.realpath(_library.places("bin/x", "x", "/system/x")), os.path.realpath(place))


if __name__ == "__main__":
    unittest.main()
