"""Both implementations of the features give the rows of one golden file.

python -m tests.test_features --write writes it anew."""

import json
import pathlib
import sys
import unittest

import numpy as np

from weirtrain import features

GOLDEN = pathlib.Path(__file__).resolve().parents[3] / "engine/classifier/feature/testdata/golden.json"
TEXTS = [
    "a", "ab", "abc", "abcd", "hello world", "it's the 2nd time", "x  y", "l'été", "привет мир", "ελληνικα",
    "你好，世界。", "你好abc世界", "これはてすとて\u3099す", "カタカナと漢字", "한국어 문장", "mixed 混在 text テキスト 123",
    "\U0001f600 emoji \U0001f680", "!!!???...", "a1b2c3", "\u0e44\u0e17\u0e22", "end ",
]


def rows(text):
    return features.ids(np.array([ord(c) for c in text], np.int32)).ravel().tolist()


class Golden(unittest.TestCase):
    def test_rows(self):
        for g in json.loads(GOLDEN.read_text(encoding="utf-8")):
            self.assertEqual(rows(g["text"]), g["rows"], g["text"])


if __name__ == "__main__":
    if "--write" in sys.argv:
        GOLDEN.write_text(json.dumps([{"text": t, "rows": rows(t)} for t in TEXTS], ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        unittest.main()
