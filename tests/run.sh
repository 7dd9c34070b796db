#!/usr/bin/env bash
# The one test command. Installs what is missing (Blender, ffmpeg, strace, a C compiler, Rust), builds farm and runs
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
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "tests/run.sh: unknown option $1 (there are --full-sweep and -- NAME)" >&2; exit 2 ;;
    esac
    shift
done

need_programs blender ffmpeg strace cc
need_rust

# Built once; the tests of all parts then run from the same build.
cargo build --locked --all-targets
failed=()
suites=(--lib --bins '--test architecture' '--test it' '--test sweep')
for suite in "${suites[@]}"; do
    # shellcheck disable=SC2086  # a suite is one or two words
    cargo test --locked $suite -- "${names[@]}" </dev/null || failed+=("$suite")
done

if [ "${#failed[@]}" -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
echo "All tests passed."
