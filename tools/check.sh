#!/bin/bash
# Builds into a folder, runs the tests there, and ends in "N passed, N failed": check.sh FOLDER [MESON OPTION]...
# A test is a case of a cmocka program; any other program, such as the replay of a fuzz corpus, counts as one.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
tools/build.sh "$@" -Dtests=enabled

export CMOCKA_MESSAGE_OUTPUT=TAP
rm -f "$folder/meson-logs/testlog.txt"
status=0
meson test -C "$folder" --no-rebuild --print-errorlogs || status=$?

# testlog.txt has, for each program, its name, its result, and what it printed: TAP lines.
counts=$(awk '
    function finish() {
        if (name == "") return
        bad = result !~ /^exit status (0|77)/
        if (bad && not_ok == 0) { not_ok = 1; print "failed: " name " (" result ")" > "/dev/stderr" }
        if (!bad && ok + not_ok + skipped == 0) ok = 1
        passed += ok; failed += not_ok; left += skipped
        name = ""; ok = not_ok = skipped = 0
    }
    /^test: +/ { finish(); name = $0; sub(/^test: +/, "", name) }
    /^result: +/ { result = $0; sub(/^result: +/, "", result) }
    /^(not )?ok [0-9]+ # SKIP/ { skipped++; next }
    /^ok [0-9]+/ { ok++ }
    /^not ok [0-9]+/ { not_ok++; print "failed: " name ": " $0 > "/dev/stderr" }
    END { finish(); print passed + 0, failed + 0, left + 0 }
' "$folder/meson-logs/testlog.txt")
read -r passed failed skipped <<<"$counts"

[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
