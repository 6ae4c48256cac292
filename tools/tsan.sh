#!/bin/bash
# Runs the tests of what several threads do at once under ThreadSanitizer, built with clang: there our own loops are serial,
# and what is left are the caller's threads, those that decode, and the locks between them.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=(tests/api/test_library tests/api/test_api_threads tests/api/test_api_job tests/data/test_data_loader
    tests/detector/test_detector_scorer)
CC=clang tools/build.sh build-tsan -Dtests=enabled -Db_sanitize=thread -Dbuildtype=debugoptimized -Db_lundef=false -- \
    "${programs[@]}"
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp ignore_noninstrumented_modules=1 ${TSAN_OPTIONS:-}"
failed=0
for program in "${programs[@]}"; do
    echo "$program"
    "build-tsan/$program" >"build-tsan/log" 2>&1 || {
        failed=1
        tail -n 100 build-tsan/log
    }
done
[ "$failed" -eq 0 ] && echo "No data race found."
