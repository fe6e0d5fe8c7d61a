"""Writes test/golden/text/captions.json: captions, and the results of the references.

    clean  LattePipeline._clean_caption of diffusers 0.42.1, twice, as in the authors' sampling script of Open-Sora-Plan v1.1.0
    tidy   prompt_clean of diffusers' Wan pipeline

Open-Sora v1.2.0 strips the text once more in each pass, after its HTML is unescaped. That changes none of these captions.

    pip install diffusers==0.42.1 ftfy==6.3.1 beautifulsoup4==4.15.0 torch==2.15.0 transformers==5.23.0
    python tools/golden/captions.py --out test/golden/text      # Python 3.11, whose html.parser later versions changed
"""

import argparse
import html
import json
from pathlib import Path
from types import SimpleNamespace

from diffusers.pipelines.latte import pipeline_latte
from diffusers.pipelines.wan.pipeline_wan import prompt_clean

COMMON = [
    "A cat surfing a wave at sunset, 4k, highly detailed.",
    "  The   quick brown\tfox\njumps over  the lazy dog  ",
    "Close-up of a violinist's hands; golden hour, f/1.8, 35mm.",
    "An astronaut rides a horse on Mars (cinematic, slow motion)",
    "A \"retro-futuristic\" city: neon signs, rain, and flying cars!",
    "“Curly quotes” and ‘single ones’ — with an em dash",
    "«Guillemets» and „low quotes“ around words",
    "don't stop, it's a dog's life",
    "a café in Zürich, naïve jalapeño piñata, smörgåsbord",
    "Ein Mädchen läuft über die Straße, ÄÖÜ",
    "Кот сидит на окне, зимний вечер. Снег!",
    "Ο Οδυσσέας ταξιδεύει στη θάλασσα",
    "海边的一只猫 runs along the beach",
    "桜の木の下で踊る女の子、春",
    "한국의 전통 춤을 추는 사람들",
    "قطة تجلس على النافذة",
    "राजस्थान में ऊँट चलता है",
    "a robot 🤖 dancing 💃🏽 in Tokyo 🇯🇵",
    "two people kissing 👩‍❤️‍💋‍👨 in the rain",
    "1girl, solo, masterpiece, best quality, <lora:add_detail:0.8>",
    "a 16:9 shot, 24fps, 1080p, 3d render, octane",
    "a mountain at 10:30 a.m., 20°C, 50% humidity, $100",
    "an F-16 fighter jet and a B-2 bomber",
    "drone shot of a 100-year-old tree",
    "time-lapse of a well-known state-of-the-art high-rise building",
    "snake_case_words_in_a_long_name walk by",
    "a wide-angle, low-angle, high-contrast, black-and-white shot",
    "a 1920x1080 wallpaper of a 50×70 painting and 2.5x4 planks",
    "mother & child; rock & roll; R&B singer",
    "I like R&B",
    "AT&T building in the rain",
    "i ❤ ny. a heart <3 drawn in sand, 5 < 6 > 4",
    "cats > dogs",
    "a sign that says \"OPEN\"",
    "\"a whole caption in quotes\"",
    "'single quoted caption'",
    "\"\"\"AUSVERKAUFT\"\"\" sign on a door",
    "wait... what?.. no way....",
    "end of line .",
    "a . b . c",
    "Mr. Smith,who is 5.5ft tall,runs/walks.Then stops",
    "-a leading dash",
    ": a leading colon",
    ", a leading comma and a trailing one,",
    "trailing dash -",
    "trailing plus +",
    "_underscored_",
    "...",
    ".hidden",
    "",
    "   ",
    "A",
    "!!!",
    "e\u0301tude in de\u0301cor",  # decomposed
    "ﬁreworks ﬂy over the oﬃce",
    "ＦＵＬＬ ｗｉｄｔｈ　text ｱｲｳ",
    "non\u00a0breaking\u2003spaces\u3000here",
    "zero\u200bwidth and joiner\u200d here",
    "a line\u2028separator and\u2029paragraph\r\nwindows\rmac",
    "byte order\ufeff mark",
    "bell\u0007 and escape \u001b[31mred\u001b[0m",
    "Sharp ẞ and İstanbul, ǅungla",
]
NASTY = [
    "visit https://www.example.com/path?x=1&y=2 for more",
    "see http://example.org and www.foo.net/bar",
    "mail me at someone@example.com now",
    "follow @nickname_42 and @другой",
    "ip 192.168.0.1 is home",
    "photo by J.Smith/example.co.uk",
    "www:example thing",
    "shop.it/now great-deals.ru",
    "article 7:45 ",
    "released at 3:30",
    "image123.png of a dog",
    "path/to/file.jpeg and movie.mp4 here",
    "png image of a cat, jpg images, eps",
    "#12 #1234 #12345 #hashtag",
    "1234567 and 123456 and 12345",
    "jc6640 jc6640vc 6640vc231 j2d1a2a3 abc12",
    "worldwide free shipping on all dresses",
    "free download free of wallpapers",
    "download now and click for details, click on image",
    "see page 12 of the book",
    "a <b>bold</b> cat<br/>on a <i>mat</i>",
    "<p>Paragraph one</p>\n<p>Paragraph two</p>",
    "<person> walks with <person>",
    "before <!-- a comment --> after",
    "a <script>alert('x')</script> b <style>p{}</style> c",
    "<a href=\"http://x.com/y\">link text</a> here",
    "unclosed <b and more",
    "</div> stray end",
    "&lt;b&gt;escaped&lt;/b&gt; tags",
    "Tom &amp; Jerry &amp;amp; friends",
    "&quot;quoted&quot; &#39;apostrophe&#39; &#x27;hex&#x27;",
    "fish &amp chips &copy 2020 &reg; &trade;",
    "caf&eacute; na&iuml;ve &Eacute;cole",
    "1 &lt; 2 &gt; 0 &hellip; &mdash; &ldquo;hi&rdquo;",
    "&nbsp;spaces&nbsp;&nbsp;here&nbsp;",
    "&#8217;s &#150; &#0; &#xD800; &#1114112;",
    "a+b=c and hello+world",
    "50%25 off, caf%C3%A9, %zz, 100% cotton, %e2%82",
    "back\\nslash n and C:\\new\\folder",
    "***SALE*** [brackets] {braces} (parens) |pipes| ~tilde~",
    "½ cup, ¼ tsp, 5 º, §3, ¡hola! ¿qué?",
    "© 2020 • Company™ · All rights reserved®",
    "a – b — c ― d ‐ e ‑ f 〜 g －h",
    "``backticks'' and ´acute´",
    "\u0093smart\u0094 quotes \u0096 of Windows",
    "x, y ,z , w",
    "a:b : c :d",
    "3,000 people.And then/or 4.5",
    "price:$5,99",
    "㊗㌔㐀䷀㇀ signs",
    "①②③ circled ४५६ ٣٤٥ digits",
    "x² + y³ = z⁴",
    "ONE_TWO-THREE_FOUR-FIVE",
    "cat aesthetic score: 6.5.",
    "cat, https://example.com",
    "A tiger,,,",
    "'\"mixed\"'",
    "--- dashes --- everywhere ---",
    "sunset (https://a.com/b.jpg) over 'sea'",
    "&checkmark; &Jscr;ohn",
]
# Differences from the references, which Adareel does not follow: repairs of wrongly decoded text, and a tag with >
# inside a quoted attribute.
OTHER = [
    "cafÃ© in ZÃ¼rich",
    "the Mona Lisa doesnâ€™t smile",
    "<img alt=\"a > b\"> picture",
]


def latte(caption: str, module: object) -> str:
    pipeline_latte.html = module
    clean = pipeline_latte.LattePipeline._clean_caption
    return clean(pipeline_latte.LattePipeline, clean(pipeline_latte.LattePipeline, caption))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("test/golden/text"))
    args = parser.parse_args()
    stripping = SimpleNamespace(unescape=lambda text: html.unescape(text).strip())
    cases = {
        name: [{"caption": c, "clean": latte(c, html), "tidy": prompt_clean(c)} for c in captions]
        for name, captions in (("common", COMMON), ("nasty", NASTY), ("other", OTHER))
    }
    assert all(latte(c["caption"], stripping) == c["clean"] for captions in cases.values() for c in captions)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "captions.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
