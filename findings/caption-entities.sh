#!/usr/bin/env bash
# Captions: ftfy, html.unescape and BeautifulSoup read HTML character references in three ways, none of them HTML5's.
#
# Expected: diffusers cleans prompts for T5 as the captions of the training data were cleaned. Its routine for Wan calls
# ftfy.fix_text, then html.unescape twice. Its routine for Latte, PixArt and others calls BeautifulSoup before these.
# All of them decode references such as `&eacute;`, and Python's documentation says that html.unescape uses the rules
# of HTML5. One expects the steps to be the same decoder several times, and a port to do with one HTML5 library.
#
# What happens, by caption (the script prints all the readings):
#   caf&eacute at night   ftfy leaves references that lack the semicolon; the others decode this one.
#   a street &mdash rain  Only BeautifulSoup decodes it. HTML5 does not: `mdash` requires its semicolon.
#   two&nbspcats asleep   html.unescape and HTML5 decode the longest known start of a name, BeautifulSoup whole names.
#   JALAPE&NTILDE;OS      ftfy decodes `&NTILDE;`, which no HTML has (it documents this). BeautifulSoup removes the
#                         semicolon of the name that it does not know. (Latte and PixArt take lower case first.)
#   fish&chips; peas      BeautifulSoup removes this semicolon too, which no reference needed.
#   cat&#x0b;dog          HTML5 and BeautifulSoup decode references to control characters and noncharacters.
#   cat&#xfdd0;dog        html.unescape and ftfy remove them, and so join the words.
#   a &amp;lt; b          ftfy decodes until nothing changes, the others once.
#
# Why it matters: other text has other tokens, and so the same prompt and seed make another video than the reference
# does. A port that uses one HTML5 library for all steps passes every test with `&amp;` and `&eacute;`. It needs one
# function for each of the three readers. The second table shows the whole sequences, with lower case where the routine
# has it, but without its other rules.
#
# Versions: ftfy 6.3.1, beautifulsoup4 4.15.0 with Python's html.parser, diffusers 0.42.1 (its source is searched for
# the calls), html5lib 1.1 as HTML5; the same on Python 3.11.7, 3.12.1 and 3.13.0.
# Captions that end in a reference are left out: newer releases of Python parse these differently (gh-140875).
# Date: 2026-11-29
# Needs: python3 (3.11 or later) with venv. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps \
  ftfy==6.3.1 wcwidth==0.9.4 beautifulsoup4==4.15.0 soupsieve==2.10 typing_extensions==4.16.0 \
  html5lib==1.1 six==1.17.0 webencodings==0.5.1 diffusers==0.42.1

cat >check.py <<'PYTHON'
import html
import platform
import re
import sys
from importlib.metadata import files, version

import ftfy
import html5lib
from bs4 import BeautifulSoup


def beautiful_soup(text):
    return BeautifulSoup(text, features="html.parser").text


def html5(text):
    return "".join(html5lib.parseFragment(text, namespaceHTMLElements=False).itertext())


def wan(text):
    return html.unescape(html.unescape(ftfy.fix_text(text)))


def latte(text):
    return wan(beautiful_soup(text.lower()))


def html5_only(text):
    return html5(html5(html5(text)))


# Tables of caption and readings, in the order of the readers.
readers = {"ftfy": ftfy.fix_text, "html.unescape": html.unescape, "BeautifulSoup": beautiful_soup, "HTML5": html5}
readings = [
    ("caf&eacute; at night", "café at night", "café at night", "café at night", "café at night"),
    ("caf&eacute at night", "caf&eacute at night", "café at night", "café at night", "café at night"),
    ("a street &mdash rain", "a street &mdash rain", "a street &mdash rain", "a street — rain", "a street &mdash rain"),
    ("two&nbspcats asleep", "two&nbspcats asleep", "two\xa0cats asleep", "two&nbspcats asleep", "two\xa0cats asleep"),
    ("JALAPE&NTILDE;OS", "JALAPEÑOS", "JALAPE&NTILDE;OS", "JALAPE&NTILDEOS", "JALAPE&NTILDE;OS"),
    ("fish&chips; peas", "fish&chips; peas", "fish&chips; peas", "fish&chips peas", "fish&chips; peas"),
    ("cat&#x0b;dog", "catdog", "catdog", "cat\x0bdog", "cat\x0bdog"),
    ("cat&#xfdd0;dog", "catdog", "catdog", "cat\ufdd0dog", "cat\ufdd0dog"),
    ("a &amp;lt; b", "a < b", "a &lt; b", "a &lt; b", "a &lt; b"),
]
sequences = {"Wan": wan, "Latte, PixArt": latte, "HTML5 three times": html5_only}
captions = [
    ("caf&eacute; at night", "café at night", "café at night", "café at night"),
    ("a street &mdash rain", "a street &mdash rain", "a street — rain", "a street &mdash rain"),
    ("JALAPE&NTILDE;OS", "JALAPEÑOS", "jalapeños", "JALAPE&NTILDE;OS"),
    ("fish&chips; peas", "fish&chips; peas", "fish&chips peas", "fish&chips; peas"),
    ("cat&#x0b;dog", "catdog", "catdog", "cat\x0bdog"),
]
calls = {
    "wan/pipeline_wan.py": ["ftfy.fix_text(", "html.unescape(html.unescape("],
    "latte/pipeline_latte.py": ["BeautifulSoup(", "ftfy.fix_text(", "html.unescape(html.unescape("],
    "pixart_alpha/pipeline_pixart_alpha.py": ["BeautifulSoup(", "ftfy.fix_text(", "html.unescape(html.unescape("],
}

changed = []


def compare(functions, rows):
    """Prints what each function makes of each caption, and notes the readings that are not the expected ones."""
    print("".join(f"{title:22}" for title in ["caption", *functions]).rstrip())
    for caption, *expected in rows:
        found = [function(caption) for function in functions.values()]
        print("".join(f"{visible(text):22}" for text in [caption, *found]).rstrip())
        for name, got, wanted in zip(functions, found, expected):
            if got != wanted:
                changed.append(f"{name} makes {visible(got)} of {caption}, and not {visible(wanted)}")
    print()


def visible(text):
    """Replaces characters other than ASCII by escapes, as they are invisible or look alike."""
    return ascii(text)[1:-1]


packages = ", ".join(f"{name} {version(name)}" for name in ["ftfy", "beautifulsoup4", "html5lib", "diffusers"])
print(f"{packages}, Python {platform.python_version()}\n")
compare(readers, readings)
compare(sequences, captions)

for path, expected in calls.items():
    (file,) = [file for file in files("diffusers") if str(file).endswith(f"pipelines/{path}")]
    found = re.findall(r"BeautifulSoup\(|ftfy\.fix_text\(|html\.unescape\(html\.unescape\(", file.read_text())
    print(f"diffusers, {path}:", "caption) ".join(found) + "caption)")
    if found != expected:
        changed.append(f"diffusers, {path}: other calls than {expected}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
