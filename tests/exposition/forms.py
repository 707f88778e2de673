"""Bodies of a line or two, each a form of its own: those that Prometheus' parser in Go and our reader take or refuse alike, and
the one list of those on which they differ, with the reason. Both lists are tried: a difference that has gone is told too.
"""
from __future__ import annotations

from dataclasses import dataclass

VALUES = ["0", "-0", "+1", "1.", ".5", "-.5", "1e5", "1E+05", "1e-5", "NaN", "nan", "nAn", "Inf", "+Inf", "-Inf", "inf", "-INF",
          "Infinity", "+infinity", "-iNFINITY", "1e-400", "-1e-400", "2.4703282292062327e-324", "2.4703282292062328e-324",
          "0e999999999999", "1e308", "0000000000000000000000000000000000001", "1" + "0" * 300, "0." + "0" * 400 + "1",
          "1" + "0" * 400 + "e-400",
          # What neither takes; hex is Go's, but not Prometheus'.
          "", ".", "+", "-", "e5", "1e", "1e+", "1e5.0", "1,5", "+-1", "--1", "1_000", "0x10", "0x1p3", "0X1P-2", "0b1", "1e309",
          "-1e400", "1.7976931348623159e308", "+NaN", "-nan", "nan(1)", "in", "infi", "infinit", "Infinityy", "1f", "1L", "1.0d",
          "one", "true", "1\x0b", "1\x00", "\u0661"]
AGREED = [f"a {value}\n".encode() for value in VALUES] + [
    # A line.
    b"a 1", b"a 1\n", b"a\t1\n", b"a 1 \t \n", b"a  \t 1\n", b"\n\na 1\n\n", b"a 1\n \t\na 2\n", b"a{} 1\n", b"a{}1\n",
    b'a{x="1"}1\n', b'a{x="1"}\t1\n', b'a {x="1"} 1\n', b'a\t{\tx\t=\t"1"\t,\ty\t=\t"2"\t}\t1\n', b'a{x="1",} 1\n',
    b'a{x="1", } 1\n', b'a{ } 1\n', b":a 1\n", b"_ 1\n", b"a:b:c 1\n", b'a{__x="1"} 1\n', b'a{_="1"} 1\n', b"a_1 1\n", b"A 1\n",
    # Labels' values.
    b'a{x=""} 1\n', b'a{x="",y=""} 1\n', b'a{x=""} 1\na 2\n', b'a{job="",instance=""} 1\n', b'a{job="mine",instance="here"} 1\n',
    rb'a{x="\\",y="\"",z="\n",w="\\n\\\"\\\\"} 1', b'a{x="}",y="{",z=",",w="="} 1\n', b'a{x="} 2",y="\\"} 3"} 1\n',
    b'a{x="# HELP"} 1\n', b'a{x=" 1 "} 1\n', b'a{x="\0"} 1\n', b'a{x="1\0002\0"} 1\n', b"# a\0b 1\na 1\n", b"", b"\n", b"# a\n",
    b"# HELP a{} b\na 1\n", b'a{x="\t\r\x01\x7f"} 1\n', 'a{x="é漢🐿\u2028\ufeff\ufffd\uffff\U0010ffff"} 1\n'.encode(),
    # Timestamps.
    b"a 1 0\n", b"a 1 1700000000000\n", b"a 1\t0007 \n", b"a 1 9223372036854775807\n", b"a 1 9223372036854775808\n", b"a 1 +1\n",
    b"a 1 1.5\n", b"a 1 1e3\n", b"a 1 soon\n", b"a 1 2 3\n", b'a 1 2 # {x="1"} 3\n', b"a 1 # 2\n",
    # Comments, and families in pieces.
    b"#\na 1\n", b"# \na 1\n", b"#a\na 1\n", b"# HELP\na 1\n", b"# TYPE\na 1\n", b"#HELP a\na 1\n", b"# HELP a\na 1\n",
    b"# HELP a \na 1\n", b"#\tHELP\ta\tb\na 1\n", b"# HELP a b \\\\ \\n \\q \" {\na 1\n", b"# TYPE a gauge\na 1\n",
    b"#  TYPE  a counter\na 1\n", b"# TYPE a untyped\na 1\n", b"a 1\n# TYPE a gauge\n",
    b"# TYPE a gauge\n# TYPE a counter\na 1\n", b"# TYPE b gauge\na 1\n", b"a 1\nb 2\na{x=\"1\"} 3\n# HELP a b\n",
    b"# EOF\na 1\n", b"# HELPER a\na 1\n", b"  # TYPE a gauge\na 1\n",
    b"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
    b"# TYPE a summary\na{quantile=\"0.5\"} 1\na_sum 1\na_count 1\n", b"a 1\na 2\n", b'a{x="1",y="2"} 1\na{y="2",x="1"} 2\n',
    # What neither takes.
    b"a\n", b"a{}\n", b'a{x="1"}\n', b'{x="1"} 1\n', b"1a 1\n", b"a-b 1\n", b"a.b 1\n", "é 1\n".encode(), b"<html>\n",
    b"a{,} 1\n", b'a{,x="1"} 1\n', b'a{x="1",,} 1\n', b"a{x} 1\n", b"a{x=} 1\n", b"a{x=1} 1\n", b"a{x='1'} 1\n",
    b'a{x:y="1"} 1\n', b'a{1x="1"} 1\n', b'a{x="1} 1\n', b'a{x="1" 1\n', b"a{ 1\n", b'a{"x"="1"} 1\n', b'{"a"} 1\n',
    b'a{x="1"}} 1\n', b'a{x="1"}{y="2"} 1\n', b'a{x="1",x="1"} 1\n', b'a{x="1",x="2"} 1\n', b'a{x="\xff"} 1\n',
    b'a{x="\xc0\x80"} 1\n', b'a{x="\xed\xa0\x80"} 1\n', b'a{x="\xe2\x82"} 1\n', b'a{x="\xf4\x90\x80\x80"} 1\n', b'a{x="\\"} 1\n',
    b"a 1\x0c2\n", b"\xef\xbb\xbfa 1\n", b"a\xc2\xa01\n", b"a\0 1\n"]


@dataclass(frozen=True)
class Deviation:
    why: str
    taken_here: bool
    bodies: list[bytes]


# Taken by one of the two alone. Differences that are no matter of forms: of a series that comes twice the reader hands on both,
# Prometheus keeps the first (what the agent keeps is ReporterScrape's); a label with an empty value is handed on, to Prometheus
# it is none; timestamps must be well formed, and are not kept; and /federate writes -0 as 0.
DEVIATIONS = [
    Deviation("lines that end as Windows writes them: harmless, and Prometheus' client in Python takes them", True,
              [b"a 1\r\n", b"a 1 2\r\n", b'a{x="1"} 1\r', b"a 1\n\r\n"]),
    Deviation("blanks before a name: the format ignores them, Prometheus 2.42 takes them for a part of the name", True,
              [b" a 1\n", b'\ta{x="1"} 1\n']),
    Deviation("times before 1970: the format has 64 bits with a sign", True, [b"a 1 -1\n"]),
    Deviation("comments that Prometheus finds broken: read for their names alone, they cost no sample", True,
              [b"# TYPE a other\na 1\n", b"# TYPE a gauge \na 1\n", b"# TYPE a  gauge\na 1\n", b"# TYPE a\na 1\n",
               b"# TYPE \na 1\n", b"# TYPE a-b gauge\na 1\n", b"# HELP 1a b\na 1\n", b"# HELP a \xff\na 1\n"]),
    Deviation("a label that is named as Prometheus names the name: to the format one as others", True, [b'a{__name__="b"} 1\n']),
    Deviation("labels without a comma between them: not the format", False, [b'a{x="1"y="2"} 1\n', b'a{x="1" y="2"} 1\n']),
    Deviation("escapes that the format does not know", False, [rb'a{x="\t"} 1', rb'a{x="C:\dir"} 1']),
    Deviation("line feeds in values: the format wants them escaped, and a line is a line", False, [b'a{x="1\n2"} 1\n']),
    Deviation("a NUL where a line begins: to Prometheus the end of the body", False, [b"a 1\n\0b 2\n"]),
    Deviation("more labels, longer lines than kLabelsMax and Limits::reporter_line_bytes_max: what one line may cost", False,
              [b"a{" + b",".join(b'l%d="1"' % number for number in range(65)) + b"} 1\n", b'a{x="' + b"x" * 65536 + b'"} 1\n']),
]
