# Count requests to wineserver, in what `wineserver -d` printed, between the marks that bench.exe set
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.

import collections
import re

MARK = re.compile(r'^([0-9a-f]+): open_event\( .*name=L"bench-(begin|end) (\S+) ([0-9]+)"')
# the way there; a line that begins otherwise, or is an answer, is none
REQUEST = re.compile(r'^([0-9a-f]+): ([a-z_0-9]+)\( ')
CODE = re.compile(r' code=([0-9A-Za-z_]+)')


class Batch:
    """What happened between two marks: how often each kind of request, of the thread that set the marks and of all others"""

    def __init__(self, thread, runs):
        self.thread = thread
        self.runs = runs
        self.own = collections.Counter()
        self.others = collections.Counter()

    def count(self, thread, request, line):
        code = CODE.search(line) if request == 'ioctl' else None
        kind = f'{request} {code.group(1)}' if code else request
        (self.own if thread == self.thread else self.others)[kind] += 1

    def requests(self):
        return (self.own.total() + self.others.total()) / self.runs

    def own_requests(self):
        return self.own.total() / self.runs


def count(path):
    """By the name of the operation, that of its batches which is the median: what happens once, or at times, is in few of them"""
    batches = collections.defaultdict(list)
    batch = None
    with open(path, encoding='utf-8', errors='replace') as trace:
        for line in trace:
            mark = MARK.match(line) if 'bench-' in line else None
            if mark and mark.group(2) == 'begin':
                batch = Batch(mark.group(1), int(mark.group(4)))
                batches[mark.group(3)].append(batch)
            elif mark:
                batch = None
            elif batch:
                request = REQUEST.match(line)
                if request:
                    batch.count(request.group(1), request.group(2), line)
    return {name: sorted(some, key=Batch.requests)[(len(some) - 1) // 2] for name, some in batches.items()}
