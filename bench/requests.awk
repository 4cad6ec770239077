# Count requests to wineserver, in what `wineserver -d` printed, between the marks that bench.exe set
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# Of each operation the median of its batches: what happens once, or at times, is in few of them. Prints for each
#     OPERATION REQUESTS OWN
# in all threads of the prefix, and in that one which carried it out, both by the number of runs. With -v detail=1 also, below, each kind
# of request of the batch that is the median, as
#     OPERATION program|others REQUEST COUNT

function mark_of(line)
{
    match(line, /name=L"bench-[^"]*"/)
    split(substr(line, RSTART + 13, RLENGTH - 14), mark, " ")
}

function kind_of(line, kind)
{
    match(line, /^[0-9a-f]+: [a-z_0-9]+\(/)
    kind = substr(line, RSTART, RLENGTH - 1)
    sub(/^[0-9a-f]+: /, "", kind)
    if (kind == "ioctl" && match(line, /code=[0-9A-Za-z_]+/)) kind = kind " " substr(line, RSTART + 5, RLENGTH - 5)
    return kind
}

/open_event\( .*name=L"bench-begin / {
    mark_of($0)
    batches[mark[2]]++
    batch = mark[2] SUBSEP batches[mark[2]]
    runs[mark[2]] = mark[3]
    thread = $1
    if (!(mark[2] in seen)) { seen[mark[2]]; order[++operations] = mark[2] }
    next
}

/open_event\( .*name=L"bench-end / {
    batch = ""
    next
}

# the way there; a line that begins otherwise, or is an answer, is none
batch != "" && /^[0-9a-f]+: [a-z_0-9]+\( / {
    all[batch]++
    if ($1 == thread) own[batch]++
    if (detail) kinds[batch, ($1 == thread ? "program" : "others") " " kind_of($0)]++
}

END {
    for (i = 1; i <= operations; i++)
    {
        name = order[i]
        count = batches[name]
        for (j = 1; j <= count; j++)
        {
            # in order, by insertion; few
            for (k = j - 1; k > 0 && all[name, sorted[k]] > all[name, j]; k--) sorted[k + 1] = sorted[k]
            sorted[k + 1] = j
        }
        middle = sorted[int((count + 1) / 2)]
        printf "%s\t%.2f\t%.2f\n", name, all[name, middle] / runs[name], own[name, middle] / runs[name]
        for (j in kinds)
        {
            split(j, part, SUBSEP)
            if (part[1] == name && part[2] == middle) printf "%s\t%s\t%.2f\n", name, part[3], kinds[j] / runs[name] | "sort -t'\t' -k2,2r -k3,3nr"
        }
        close("sort -t'\t' -k2,2r -k3,3nr")
    }
}
