"""Messages, address lists and times from a seed, in the forms that programs and their enemies write."""
import base64
import datetime
import glob
import os
import quopri
import re

BOUNDARIES = ["b", "bb", "b b", "=_x.y", "'()+_,-./:=?", "0" * 70, "b--", "--b", "B", " b", "a" * 69 + "b", "\xe4"]
CHARSETS = ["us-ascii", "utf-8", "UTF-8", "iso-8859-1", "iso-8859-15", "windows-1252", "koi8-r", "x-unknown"]
TYPES = ["text/plain", "text/html", "TEXT/PLAIN", "application/pdf", "image/png", "application/octet-stream",
         "text/plain ", "text / plain", "text/(comment)plain", "audio/x-a.b+c"]
TEXTS = ["", "hello", "two\r\nlines\r\n", "\r\n", "\r\n\r\nx", "gr\xfc\xdfe", "\u043f\u0440\u0438\u0432\u0435\u0442", "-- \r\nsig\r\n", "--\r\n",
         "Subject: not a field\r\n\r\nx", "From me\r\n", ">From me\r\n", "  \r\n", ".\r\n..\r\n", "=\r\n", "a=3Db"]
WORDS = ["plain", "=?utf-8?q?gr=C3=BC=C3=9Fe?=", "=?utf-8?b?Z3LDvMOfZQ==?=", "=?iso-8859-1?q?a_b?=",
         "=?UTF-8?Q?a?=", "=?utf-8*de?q?x?=", "=?utf-8?q?half", "=?x?y?z?=", "(c)", "\"q\"", "a=b"]


def crlf(octets):
    return re.sub(rb"\r\n|\r|\n", b"\r\n", octets)


def stored(octets):
    """As mail is stored: no line end but CRLF, and one at the end."""
    octets = crlf(octets).replace(b"\0", b"")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def folded(octets):
    """As the body of a field is: a line end only in front of a blank."""
    return re.sub(rb"\r\n(?![ \t])", b"", crlf(octets)).replace(b"\0", b"")


def fits(kind, case):
    """Whether what is left of a case may still be one."""
    return {"mime": stored, "address": folded, "when": folded}.get(kind, lambda _: None)(case) == case


def words(r):
    out = r.choice(WORDS)
    for _ in range(r.randrange(4)):
        out += r.choice([" ", " ", "\r\n ", "\r\n\t", "  "]) + r.choice(WORDS)
    return out


def quoted(r, text):
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def parameter(r, name, value):
    """One parameter in one of its forms (RFC 2045 5.1, RFC 2231)."""
    form = r.randrange(8)
    if form == 0 and re.fullmatch(r"[A-Za-z0-9.-]+", value):
        return "%s=%s" % (name, value)
    if form == 1 and len(value) > 3:
        cut = r.randrange(1, len(value))
        return "%s*0=%s; %s*1=%s" % (name, quoted(r, value[:cut]), name, quoted(r, value[cut:]))
    if form == 2:
        return "%s*=utf-8''%s" % (name, "".join("%%%02X" % c for c in value.encode()))
    if form == 3 and len(value) > 3:
        cut = r.randrange(1, len(value))
        first = "".join("%%%02X" % c for c in value[:cut].encode())
        return "%s*0*=utf-8'en'%s;\r\n %s*1=%s" % (name, first, name, quoted(r, value[cut:]))
    return "%s%s=%s%s" % (r.choice([name, name.upper()]), r.choice(["", "", "", " "]), r.choice(["", "", "", " "]),
                          quoted(r, value))


def field(r, name, main, parameters):
    out = "%s:%s%s" % (name, r.choice([" ", " ", "", "\r\n ", "\t"]), main)
    for p in parameters:
        out += r.choice(["; ", ";", " ; ", ";\r\n\t", ";\r\n ", "\r\n ; "]) + p
    # What a comment behind an unquoted value is, programs do not agree about.
    return out + r.choice(["", "", "", "", ";", " (comment)" if out.endswith('"') else ""]) + "\r\n"


def encoded(r, octets):
    """Content-Transfer-Encoding and the body in it, now and then damaged."""
    name = r.choice(["7bit", "8bit", "binary", "base64", "BASE64", "quoted-printable", "Quoted-Printable", "x-odd", ""])
    if name.lower() == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        if r.randrange(5) == 0:
            octets = mutate(r, octets)
    elif name.lower() == "quoted-printable":
        octets = crlf(quopri.encodestring(octets))
        if r.randrange(5) == 0:
            octets = mutate(r, octets)
    return name, octets


def octets_of(r):
    if r.randrange(4) == 0:
        return bytes(r.choice(b"\x01\x02abc\r\n\x80\xff= ") for _ in range(r.randrange(200)))
    charset = r.choice(["utf-8", "iso-8859-1", "koi8-r"])
    return "".join(r.choice(TEXTS) for _ in range(r.randrange(4))).encode(charset, "replace")


def leaf(r):
    main = r.choice(TYPES)
    parameters = []
    if r.randrange(2):
        parameters.append(parameter(r, "charset", r.choice(CHARSETS)))
    if r.randrange(4) == 0:
        parameters.append(parameter(r, "name", r.choice(["a.pdf", "a b.pdf", "gr\xfc\xdfe.txt", "x;y.txt"])))
    name, body = encoded(r, octets_of(r))
    header = field(r, "Content-Type", main, parameters) if r.randrange(6) else ""
    if name:
        header += "Content-Transfer-Encoding: %s\r\n" % name
    if r.randrange(4) == 0:
        header += field(r, "Content-Disposition", r.choice(["attachment", "inline", "ATTACHMENT"]),
                        [parameter(r, "filename", r.choice(["a.pdf", "c d", "gr\xfc\xdfe", "a\"b"]))])
    return header, body


def delimiter(r, boundary):
    return b"--" + boundary + r.choice([b"", b"", b"", b"", b" ", b"\t ", b"x", b"-"]) + b"\r\n"


def multipart(r, depth):
    text = r.choice(BOUNDARIES)
    boundary = text.encode("utf-8")
    main = "multipart/" + r.choice(["mixed", "alternative", "related", "digest", "MIXED", "x-odd"])
    form = parameter(r, "boundary", text) if r.randrange(20) else "x=y"
    header = field(r, "Content-Type", main, [form])
    if r.randrange(8) == 0:
        header += "Content-Transfer-Encoding: 8bit\r\n"
    body = r.choice([b"", b"", b"preamble\r\n", b"\r\n", b"--other\r\n"])
    for _ in range(r.choice([0, 1, 1, 2, 2, 3])):
        body += delimiter(r, boundary) + part(r, depth + 1)
        body += r.choice([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"", b"\r\n\r\n"])
    if r.randrange(6):
        body += b"--" + boundary + r.choice([b"--\r\n", b"--\r\n", b"--", b"-- \r\n", b"--x\r\n"])
    body += r.choice([b"", b"", b"epilogue\r\n", b"\r\n", b"--" + boundary + b"\r\n\r\nlate\r\n"])
    return header, body


def part(r, depth=0):
    """Header section, blank line and body; the message itself at depth 0."""
    kind = r.randrange(10)
    if kind < (6 if depth == 0 else 3) and depth < 5:
        header, body = multipart(r, depth)
    elif kind < 8 or depth > 4:
        header, body = leaf(r)
    else:
        header, body = field(r, "Content-Type", r.choice(["message/rfc822", "Message/RFC822"]), []), part(r, depth + 1)
    if depth == 0 or r.randrange(4) == 0:
        header = "Subject: " + words(r) + "\r\n" + header
    if r.randrange(4) == 0:
        header = "MIME-Version: 1.0\r\n" + header
    if depth == 0:
        header = "From: a@example.org\r\n" + header
    blank = b"\r\n" if r.randrange(20) else b""
    return header.encode("utf-8") + blank + body


def mutate(r, octets):
    """A few small wounds."""
    for _ in range(r.randrange(1, 4)):
        lines = octets.splitlines(keepends=True) or [b""]
        at = r.randrange(len(lines))
        where = r.randrange(len(octets) + 1)
        how = r.randrange(8)
        if how == 0:
            del lines[at]
            octets = b"".join(lines)
        elif how == 1:
            lines.insert(r.randrange(len(lines) + 1), lines[at])
            octets = b"".join(lines)
        elif how == 2:
            octets = octets[:where]
        elif how == 3:
            octets = octets[:where] + r.choice([b"\r\n", b" ", b"--", b";", b'"', b"=", b"(", b"\\", b":"]) + octets[where:]
        elif how == 4:
            octets = octets[:where] + bytes([r.randrange(1, 256)]) + octets[where + 1:]
        elif how == 5:
            octets = octets[:where] + octets[where + r.randrange(1, 5):]
        elif how == 6:
            lines[at] = lines[at].rstrip(b"\r\n")
            octets = b"".join(lines)
        else:
            lines[at] = r.choice([b" ", b"\t", b"-", b"--"]) + lines[at]
            octets = b"".join(lines)
    return octets


def corpus(directory):
    found = sorted(glob.glob(os.path.join(directory, "*")))
    out = []
    for path in found:
        with open(path, "rb") as f:
            out.append(f.read().replace(b"\0", b""))
    return out


def message(r, seeds):
    kind = r.randrange(8)
    octets = mutate(r, r.choice(seeds)) if seeds and kind == 0 else part(r)
    return stored(mutate(r, octets) if kind < 3 else octets)


ATOMS = ["a", "b.c", "a+b", "x_y", "o'neill", "\xfc", "1", "a..b", ".a", "a."]
DOMAINS = ["example.org", "a.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "x", "xn--a.example", "a . example",
           "b\xfccher.example", "-", "a..b"]
NAMES = ["Ann", "Ann B.", '"B, Ann"', '"q\\"q"', "=?utf-8?q?=C3=A4?=", "J. R. R. T", "\xfc", "", '"<x@y>"', "a@b"]


def blank(r):
    return r.choice(["", "", "", "", " ", "\r\n ", "(c)", " (c (d)) ", "(a\\)b)", "\t", "(", ")"] if r.randrange(10) == 0 else
                    ["", "", "", " ", " (c) ", "\r\n "])


def address(r):
    local = r.choice(ATOMS) if r.randrange(4) else r.choice(['"a b"', '"a\\"b"', '"a"', '"a@b"', '"".a', 'a."b"'])
    spec = local + blank(r) + "@" + blank(r) + r.choice(DOMAINS)
    form = r.randrange(6)
    if form < 2:
        return blank(r) + spec + blank(r)
    if form == 2:
        return "<" + spec + ">"
    route = "@r.example:" if r.randrange(12) == 0 else "@r.example,@s.example:" if r.randrange(20) == 0 else ""
    return r.choice(NAMES) + r.choice([" ", "", "\r\n "]) + "<" + blank(r) + route + spec + blank(r) + ">" + blank(r)


def addresses(r, seeds):
    kind = r.randrange(8)
    if seeds and kind == 0:
        return folded(mutate(r, r.choice(seeds)))
    items = []
    for _ in range(r.randrange(1, 4)):
        if r.randrange(5) == 0:
            items.append(r.choice(["group", "a b", '"g"']) + ":" + ",".join(address(r) for _ in range(r.randrange(3))) + ";")
        else:
            items.append(address(r))
    octets = r.choice([",", ", ", " ,", ",,", ",\r\n "]).join(items).encode("utf-8")
    return folded(mutate(r, octets) if kind < 3 else octets)


def end_of_february(r):
    year = r.choice([r.randrange(1970, 10000), 100 * r.randrange(20, 100), 4 * r.randrange(493, 2500)])
    day = datetime.datetime(year, 2, 28, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=r.randrange(3))
    return int(day.timestamp()) * 1000


def moment(r, _):
    """Milliseconds since 1970, to the end of 9999."""
    if r.randrange(2):
        return str(end_of_february(r)).encode()
    return str(r.choice([r.randrange(4 * 10**12), r.randrange(253402300800000), r.randrange(3000) * 86400000,
                         r.choice([0, 999, 951782400000, 4107542399999, 253402300799999])])).encode()


def when(r, seeds):
    """Dates of others (RFC 5322 3.3, 4.3)."""
    if seeds and r.randrange(8) == 0:
        return folded(mutate(r, r.choice(seeds)))[:200]
    blank = lambda: r.choice([" ", " ", " ", "  ", "\r\n "])
    day = r.choice(["", "", "Mon,", "Sun, ", "fri,", "Tue,\r\n "])
    month = r.choice("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec feb DEC".split())
    year = str(r.randrange(1971, 2200)) if r.randrange(4) else r.choice(["%02d" % r.randrange(100), str(r.randrange(70, 200)), "1969"])
    clock = "%02d:%02d" % (r.randrange(24), r.randrange(60)) + r.choice(["", ":%02d" % r.randrange(60), ":59"])
    zone = r.choice(["+0000", "-0000", "+%02d%02d" % (r.randrange(15), r.randrange(60)), "-0730", "GMT", "UT", "EST", "PDT", "Z"])
    text = day + blank().join(["%d" % r.randrange(1, 32), month, year, clock, zone]) + r.choice(["", "", " (CET)"])
    octets = text.encode()
    return folded(mutate(r, octets)) if r.randrange(4) == 0 else octets
