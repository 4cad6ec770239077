#!/bin/bash
# "Acquire, associate, bind and close of the same sockets from many threads", under a wineserver that does not survive a look at a
# socket that is gone. Left to itself it may: the memory often still looks like one.
. "$(dirname "$0")/testlib"

# what is freed is overwritten at once, see mallopt(3) and GLIBC_TUNABLES in the manual of the GNU C library
export MALLOC_PERTURB_=85 GLIBC_TUNABLES=glibc.malloc.tcache_count=0
use_prefix
run_tool install
ok "install" is $code 0
exec 3> >(exec wine "$programs/pipe_test.exe" -hold >"$work/held" 2>&1)
ok "the prefix runs" wait_for "$work/held" "^udp"
wineserver=$(processes_of wineserver)
ok "there is one wineserver" is "$(wc -w <<<"$wineserver")" 1
timeout 300 wine "$programs/ws2_32_test.exe" threads >"$work/threads" 2>&1 </dev/null
ok "the threads end" is $? 0
ok "their checks passed" contains "$work/threads" " 0 failures)"
ok "wineserver is the same" is "$(processes_of wineserver)" "$wineserver"
exec 3>&-
complete=yes
