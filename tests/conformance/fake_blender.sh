#!/bin/sh
# A stand-in for Blender: understands the arguments of a render task and writes a small file per frame, skipping those
# that are there. The "scene" is a shell fragment that may set: seconds (per frame), fail (exit code), fail_first (how
# many starts fail), child (render in a child process, as a wrapper script does).
seconds=0 fail=0 fail_first=0 child=
while [ $# -gt 0 ]; do
    case "$1" in
        --render-output) out=$2; shift ;;
        --render-frame) frames=$2; shift ;;
        --python-expr | --render-format | --scene) shift ;;
        *.scene) scene=$1 ;;
    esac
    shift
done
[ -f "$scene" ] || { echo "Error: Cannot read file \"$scene\""; exit 1; }
. "$scene"
folder=$(dirname "$out")
mkdir -p "$folder"
[ -z "$TMPDIR" ] || mkdir -p "$TMPDIR/blender_x"
echo "$$" >> "$scene.starts"
# A folder is made by one of several renderers that start at once, so that exactly as many fail as should.
while [ "$fail_first" -gt 0 ]; do
    if mkdir "$scene.failed.$fail_first" 2> /dev/null; then echo "Error: not this time"; exit 1; fi
    fail_first=$((fail_first - 1))
done
[ "$fail" = 0 ] || { echo "Error: this scene fails" >&2; exit "$fail"; }

# Two renderers at one task at once leave a trace. (A killed one that its new parent did not reap yet has no environment.)
lock="$folder/lock-$frames"
if [ -n "$TMPDIR" ] && [ -f "$lock" ] && grep -qz "^TMPDIR=${TMPDIR%/*}/" "/proc/$(cat "$lock")/environ" 2> /dev/null; then
    echo "$frames: $(cat "$lock") $$" >> "$folder/OVERLAP"
fi
echo "$$" > "$lock"

render() {
    for part in $(echo "$frames" | tr , ' '); do
        for number in $(seq "${part%%..*}" "${part##*..}"); do
            file=$folder/$(printf %06d "$number").png
            if [ -e "$file" ]; then echo "skipping existing frame \"$file\""; continue; fi
            sleep "$seconds"
            echo frame > "$file"
            echo "Saved: '$file'"
        done
    done
}
if [ -n "$child" ]; then render & wait; else render; fi
rm "$lock"
echo "Blender quit"
