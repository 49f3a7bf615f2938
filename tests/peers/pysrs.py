"""Answers for pysrs, a line for a line, with the clock set by each request. `child.rs` talks to it."""

import sys
import time

now = 0
time.time = lambda: now

import SRS
import SRS.Base

# It warns of a hash whose case was folded.
SRS.Base.Base.warn = lambda *_: None


def text(octets):
    return bytes.fromhex(octets).decode()


for line in sys.stdin:
    op, seconds, separator, length, max_age, always, secrets, address, alias = line.rstrip("\n").split("\t")
    now = int(seconds)
    try:
        srs = SRS.new(
            tuple(text(secret) for secret in secrets.split(",")),
            maxage=int(max_age),
            hashlength=int(length),
            separator=separator,
            alwaysrewrite=always == "1",
        )
        if op == "forward":
            answer = srs.forward(text(address), text(alias))
        else:
            answer = srs.reverse(text(address))
        print("ok", answer.encode().hex(), flush=True)
    except Exception as error:
        print("error", repr(error).encode().hex(), flush=True)
