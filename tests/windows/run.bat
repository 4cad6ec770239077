@echo off
cd /d "%~dp0"
set WINETEST_DEBUG=1
ver >result.txt
for %%a in (x86_64 i386) do (
    for %%p in (ws2_32 iphlpapi) do (
        if exist %%a\%%p_test.exe (
            echo %%a %%p
            echo == %%a %%p>>result.txt
            %%a\%%p_test.exe >>result.txt 2>&1
        )
    )
)
echo == done>>result.txt
echo Done. Please send back result.txt.
pause
