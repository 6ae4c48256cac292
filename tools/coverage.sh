#!/bin/bash
# Runs the tests in a build of its own that counts lines, and prints how many lines of src/ they reach.
set -euo pipefail
cd "$(dirname "$0")/.."

find build-coverage -name '*.gcda' -delete 2>/dev/null || true
tools/check.sh build-coverage -Db_coverage=true -Dbuildtype=debugoptimized -Db_ndebug=false
gcovr --root . --filter 'src/' --object-directory build-coverage --sort-percentage --txt build-coverage/coverage.txt \
    --print-summary >build-coverage/summary.txt
cat build-coverage/coverage.txt
grep '^lines' build-coverage/summary.txt
