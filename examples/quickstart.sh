#!/usr/bin/env bash
# From nothing to harvested frames: installs what is missing (Blender, ffmpeg, Rust), builds farm, makes two small
# scenes, plans a release of them, renders it on this machine, and harvests the frames.
#
#   examples/quickstart.sh            in a new folder under /tmp
#   examples/quickstart.sh FOLDER     in FOLDER, which must be new or empty
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=${1:-$(mktemp -d /tmp/farm-quickstart.XXXXXX)}
mkdir -p "$here"
here=$(cd "$here" && pwd)
if [ -n "$(ls -A "$here")" ]; then
    echo "quickstart: $here is not empty; name a new folder." >&2
    exit 2
fi

cd "$top"
# shellcheck source=.ci/install.sh
. .ci/install.sh
need_programs blender ffmpeg cc
need_rust
echo "Building farm …"
cargo build --release --locked --quiet
farm=${CARGO_TARGET_DIR:-$top/target}/release/farm

echo "Making two scenes in $here/scenes …"
blender --background --factory-startup --python-exit-code 1 \
    --python "$top/examples/quickstart_scenes.py" -- "$here/scenes" >"$here/blender.log" 2>&1 ||
    { tail -n 20 "$here/blender.log" >&2; exit 1; }

run() {
    printf '\n$ farm %s\n' "$*"
    "$farm" --volume "$here/volume" "$@"
}

printf '\n$ farm init %s\n' "$here/volume"
"$farm" init "$here/volume" --name quickstart
run plan release demo "$here/scenes/cube.blend" "$here/scenes/room.blend" --frames 1-5 --yes --wait
run status
run harvest release demo

printf '\nDone. The frames are here:\n'
ls "$here"/volume/dist/demo/*.png
printf '\nTry next:\n  %s --volume %s status\n' "$farm" "$here/volume"
