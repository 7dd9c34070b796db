#!/usr/bin/env bash
# The one test command. Installs what is missing (Rust, Blender, ffmpeg, strace, openssl, a C compiler), builds farm and runs
# every test. Asks nothing; needs no terminal. Ends with 0 when all tests passed.
#
#   tests/run.sh                 everything, the kill sweep as a sample
#   tests/run.sh --full-sweep    the kill sweep at every point (hours)
#   tests/run.sh -- NAME         only tests whose name has NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/install.sh
. .ci/install.sh

names=()
while [ $# -gt 0 ]; do
    case "$1" in
        --full-sweep) export FARM_SWEEP=full ;;
        --) shift; names=("$@"); break ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' tests/run.sh; exit 0 ;;
        *) echo "tests/run.sh: unknown option $1 (there are --full-sweep and -- NAME)" >&2; exit 2 ;;
    esac
    shift
done

need_rust
need_programs cc blender ffmpeg strace openssl

said=$(mktemp)
trap 'rm -f "$said"' EXIT
# One build, then every test program; a failure in one does not keep the others from running.
status=0
cargo test --locked --tests --no-fail-fast -- "${names[@]}" </dev/null 2>&1 | tee "$said" || status=1

# On one processor the harness has begun the test's own line before the test says so.
grep -o 'SKIPPED [^ ]*: .*' "$said" | sort -u || true
[ "$status" -eq 0 ] || printf '\nSome tests FAILED, or could not be built; see above.\n'
# The sum of what each test program said.
awk '/^test result: / {
         for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) passed += $(i - 1); if ($i ~ /^failed/) failed += $(i - 1) }
     }
     END { printf "%d passed, %d failed\n", passed, failed }' "$said"
exit "$status"
