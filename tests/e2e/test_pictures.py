"""The pictures of doc/reading.md can be made, and show what they are said to show."""

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET

from office import BIN

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'doc')
SHOWN = {'list': 'Zürich trip', 'find': 'Find: zur', 'message': 'see the file', 'delete': 'on the server'}


def text_of(path):
    root = ET.parse(path).getroot()
    return '\n'.join(e.text for e in root.iter('{http://www.w3.org/2000/svg}text'))


def test_pictures(office):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(DOC, 'pictures', 'make'), folder], capture_output=True, text=True,
                              check=False, timeout=100, env=os.environ | {'RESTANTE': BIN})
        assert done.returncode == 0, done.stderr[-1500:]
        for name, words in SHOWN.items():
            assert words in text_of(os.path.join(folder, name + '.svg')), name
            assert words in text_of(os.path.join(DOC, 'pictures', name + '.svg')), name
    with open(os.path.join(DOC, 'reading.md'), encoding='utf-8') as f:
        text = f.read()
    assert all(f'(pictures/{name}.svg)' in text for name in SHOWN)
