#!/bin/bash
# Runs every fuzz target for FUZZ_SECONDS (default 300) with clang's libFuzzer, beginning with its corpus. What it finds
# stays in build-fuzz/found/; inputs that reach new code are kept in build-fuzz/corpus/, not in the source tree.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-300}
export CC=clang
tools/build.sh build-fuzz -Dfuzz=true -Dtests=disabled -Dbuildtype=debugoptimized -Db_lundef=false
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp ${LSAN_OPTIONS:-}" # leaks of other people's decoders
failed=0
for program in build-fuzz/fuzz/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=${program##*/fuzz_}
    mkdir -p "build-fuzz/corpus/$name" build-fuzz/found
    echo "Fuzzing $name for $seconds s"
    log=build-fuzz/$name.log
    "$program" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/found/$name-" "build-fuzz/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1 || {
        failed=1
        tail -n 60 "$log"
    }
    grep -E 'stat::number_of_executed_units|stat::peak_rss_mb|^#[0-9]+.*DONE' "$log" || true
done
[ "$failed" -eq 0 ] && echo "Nothing found."
