"""Whether two programs read the same; what may differ is a rule here, its reason in doc/mime-differences.md."""
import calendar
import datetime
import email.headerregistry
import email.policy
import email.utils
import re
import urllib.parse

KEYS = ["depth", "type", "encoding", "charset", "name", "filename", "subject", "raw", "body"]
TOKEN = rb"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"
BLANK = rb"(?:[ \t\r\n]|\([a-z]*\))*"
NAME = rb"[!#$%&'+.0-9A-Z^_`a-z{|}~-]+[*0-9]*"
PARAMETERS = rb"(;%s(%s%s=%s(%s|\"([^\"\\]|\\.)*\")%s)?)*$" % (BLANK, NAME, BLANK, BLANK, TOKEN, BLANK)
TYPE = re.compile(BLANK + TOKEN + BLANK + b"/" + BLANK + TOKEN + BLANK + PARAMETERS, re.S)
DISPOSITION = re.compile(BLANK + TOKEN + BLANK + PARAMETERS, re.S)
ENCODING = re.compile(BLANK + TOKEN + BLANK + rb"$")
CHARSET = rb"(utf-8|us-ascii|iso-8859-1|iso-8859-15|windows-1252|koi8-r)"
DATE = re.compile(r"(?i)[ \t\r\n]*(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),)?[ \t\r\n]*(?:0?[1-9]|[12][0-9]|3[01])[ \t\r\n]+"
                  r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ \t\r\n]+([0-9]{2,4})[ \t\r\n]+(?:[01][0-9]|2[0-3])"
                  r"(?::[0-5][0-9]){1,2}[ \t\r\n]+(?:[+-](?:0[0-9]|1[0-4])[0-5][0-9]|GMT|UT|Z|[ECMP][SD]T)(?:[ \t\r\n]*\([^()]*\))?[ \t\r\n]*$")
# What is no encoded word, or in a charset that is none (RFC 2047 2).
UNREADABLE = re.compile(rb"=\?(?!" + CHARSET + rb"(\*[a-z]+)?"
                        rb"\?(b\?([!->@-~]{4})+|q\?([!-<>@-~]|=[0-9a-f]{2})+)\?=)", re.I)
ENCODED_BOUNDARY = re.compile(rb"boundary[*0-9]*\s*=\s*\"?[^;\"]*(=|%3d)(\?|%3f)[^;\"]*(\?|%3f)(=|%3d)", re.I)
OUT_OF_ORDER = re.compile(rb"\b(\w+)\*[1-9][0-9]*\*?=[^\n]*(\n[ \t][^\n]*)*\b\1\*0", re.I)
# An encoded word that no name may hold (RFC 2047 5 (3)), and a control.
NO_NAME = re.compile(rb"=\?[^?]*\?[^?]*\?[^?]*[^A-Za-z0-9!*+/=_-][^?]*\?=|[\x01-\x08\x0b\x0c\x0e-\x1f]")
# What Python only remarks: old forms that are to be read (RFC 5322 4), UTF-8 (RFC 6532), and what is no UTF-8, which
# we refuse in an address and read over in a name.
HARMLESS = re.compile(r" (ObsoleteHeader|NonASCIILocalPart|UndecodableBytes)Defect")
KNOWN = "known"  # instead of a difference: a rule took the case out


def python_reads(kind, case):
    return {"address": python_addresses, "date": python_date, "when": python_when}[kind](case)


def escape(text):
    return "".join(chr(c) if 0x20 < c < 0x7f and c not in b"%=" else "%%%02x" % c for c in text)


def python_addresses(case):
    text = case.decode("utf-8", "surrogateescape")
    text = text.replace("\r\n", "")
    try:
        header = email.policy.default.header_factory("To", text)
        specs = [a.addr_spec for a in header.addresses]
    except Exception as e:
        return ["raised %s" % type(e).__name__]
    out = [" to=" + escape(s.encode("utf-8", "surrogateescape")) for s in specs]
    # Of encoded words it remarks much: they are in names, which are no part of an address.
    bad = [type(d).__name__ for d in header.defects if not re.search("encoded.word", str(d))]
    return out + ["good" + "".join(" " + d for d in bad)]


def python_date(case):
    return [case.decode()]


def python_when(case):
    try:
        return [str(email.utils.mktime_tz(email.utils.parsedate_tz(case.decode("latin-1"))))]
    except (TypeError, ValueError, OverflowError, IndexError):
        return ["bad"]


def difference(kind, case, ours, theirs):
    return {"mime": differs_mime, "address": differs_address, "date": differs_date, "when": differs_when}[kind](case, ours, theirs)


def differs_date(case, ours, theirs):
    read = (email.utils.parsedate_to_datetime, datetime.datetime.fromisoformat)
    for line, reader in zip(ours, read):
        try:
            same = reader(line).timestamp() == int(case) // 1000
        except ValueError:
            same = False
        if not same:
            return "second", line
    return None


def differs_when(case, ours, theirs):
    form = DATE.match(case.decode("latin-1"))
    if not form:
        return KNOWN, "date that is none"
    # RFC 5322 4.3 has rules of its own for years of two and three digits; mail is not older than 1970.
    year = int(form[1])
    if len(form[1]) == 3 or (len(form[1]) == 2 and 50 <= year < 70) or (len(form[1]) == 4 and year < 1971):
        return KNOWN, "year"
    read = email.utils.parsedate_tz(case.decode("latin-1"))
    if ours == ["bad"] and read and read[2] > calendar.monthrange(read[0], read[1])[1]:
        return KNOWN, "day"
    return None if ours == theirs else ("second", "%s, %s" % (ours[0], theirs[0]))


def parse_part(line):
    depth, encoding, *rest = line.split(" ")
    return dict((x.split("=", 1) for x in rest), depth=depth, encoding=encoding)


def known_mime(case, ours, theirs):
    """The name of the rule by which this message is not compared."""
    if any("open" in p for p in ours):
        return "open header"
    if any("twice" in p for p in ours):
        return "field twice"
    if not theirs and len(ours) == 1:
        return "no field at all"
    for name, form in (("type", TYPE), ("disposition", DISPOSITION), ("transfer-encoding", ENCODING)):
        pattern = rb"(?im)^content-%s *:((?:.|\n[ \t])*)" % name.encode()
        if any(not form.match(value) for value in re.findall(pattern, case)):
            return "%s that is none" % name
    if ENCODED_BOUNDARY.search(case):
        return "encoded word in a boundary"
    if OUT_OF_ORDER.search(case):
        return "pieces out of order"
    return None


def readable(text):
    """GMime writes "?" for what is in no charset, or leaves it."""
    octets = urllib.parse.unquote_to_bytes(text or "")
    return octets.decode("utf-8", "replace").replace("\ufffd", "?").strip()


def is_raw(case):
    """Octets in a field that are no UTF-8: we take all of them for windows-1252, GMime word by word."""
    for value in re.findall(rb"(?im)^(?:subject|content-[a-z]*) *:((?:.|\n[ \t])*)", case):
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            return True
    return False


def same_parameter(key, case, a, b):
    if readable(a) == readable(b):
        return True
    name = rb"\b" + key.encode()
    # Pieces that do not begin with the first, or an extended value in no charset (RFC 2231 3, 4).
    return re.search(name + rb"(\*[1-9]|\*(0\*)?=(?!%s'[^;\"\r]*'))" % CHARSET, case, re.I)


def same(key, case, a, b):
    if key in ("subject", "name", "filename") and "%" in a.get(key, "") and is_raw(case):
        return True
    if key in ("charset", "name", "filename"):
        return same_parameter(key, case, a.get(key), b.get(key))
    if key == "subject" and readable(a[key]) == readable(b[key]):
        return True
    if key == "subject" and UNREADABLE.search(case):
        return True
    if key in ("raw", "body") and a["type"].startswith("multipart/"):
        return True
    if key == "body" and "damaged" in a:
        return True
    return a.get(key) == b.get(key) or (key == "body" and a.get("whole") == b["body"])


def without_nothing(parts):
    """Without parts that have no fields, octets and children: GMime makes none where an enclosing boundary follows."""
    kept = []
    for p in reversed(parts):
        parent = bool(kept) and int(kept[-1]["depth"]) > int(p["depth"])
        if p["depth"] == "0" or "bare" not in p or parent or not p.get("raw", "0:").startswith("0:"):
            kept.append(p)
    return kept[::-1]


def differs_mime(case, ours, theirs):
    ours, theirs = [parse_part(x) for x in ours], [parse_part(x) for x in theirs]
    rule = known_mime(case, ours, theirs)
    if rule:
        return KNOWN, rule
    ours, theirs = without_nothing(ours), without_nothing(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs)):
        for key in KEYS:
            if not same(key, case, a, b):
                return key, "part %d: %s, %s" % (i, a.get(key), b.get(key))
    if len(ours) != len(theirs):
        return "parts", "%d, %d" % (len(ours), len(theirs))
    return None


def unquoted(addresses):
    """Python writes the quotes of a local part where they are needed, and literals without blanks."""
    return [re.sub(r'["\\]|%(09|20)(?=[^[]*\]$)', "", a) for a in addresses]


def differs_address(case, ours, theirs):
    if theirs == ["raised AttributeError"]:
        return KNOWN, "Python's parser falls"
    bad = [ours[-1] == "bad", HARMLESS.sub("", theirs[-1]) != "good"]
    same = unquoted(ours[:-1]) == unquoted(theirs[:-1])
    if bad == [True, False] and "Undecodable" in theirs[-1]:
        return None
    if any("%3d?" in a for a in ours) or (bad == [True, False] and NO_NAME.search(case)) or \
            (bad[0] != bad[1] and UNREADABLE.search(case)):
        return KNOWN, "encoded word that is none, or a control"
    if bad == [False, True] and any(re.search(r"\[.*%(09|20)", a) for a in ours):
        return KNOWN, "blank in a literal"
    if bad[0] != bad[1]:
        return ("only we refuse", "only they refuse")[bad[1]], theirs[-1]
    return None if bad[0] or same else ("another address", "")
