"""Answers what the tests ask: a line `[what, argument, ...]` in, a line `{"result"}` or `{"error"}` out."""

import base64
import json
import sys


def decoded(text):
    return base64.b64decode(text)


def encoded(pictures):
    return [base64.b64encode(picture).decode() for picture in pictures]


def ids(entries):
    return [entry[1] for entry in entries]


def serve(client):
    # What a library prints is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        try:
            answer = {"result": getattr(client, what)(*arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
