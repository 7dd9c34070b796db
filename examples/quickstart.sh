#!/usr/bin/env bash
# From nothing to harvested frames: installs what is missing (Rust, Blender, ffmpeg), builds farm, makes two small
# scenes, plans a release of them, renders it on this machine, and harvests the frames.
#
#   examples/quickstart.sh            in a new folder under /tmp
#   examples/quickstart.sh FOLDER     in FOLDER, which must be new or empty
set -euo pipefail
start=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
top=$PWD

# A folder named on the command line is meant as seen from where the command was typed.
folder() (
    cd "$start"
    [ -n "$1" ] || exec mktemp -d /tmp/farm-quickstart.XXXXXX
    mkdir -p -- "$1"
    cd -- "$1"
    [ -z "$(ls -A)" ] || { echo "quickstart: $PWD is not empty; name a new folder." >&2; exit 2; }
    pwd
)
[ $# -eq 0 ] || folder "$1" >/dev/null

# shellcheck source=.ci/install.sh
. .ci/install.sh
need_rust
need_programs cc blender ffmpeg
echo "Building farm (the first time this takes a few minutes) …"
cargo build --release --locked --quiet
PATH=$(realpath "${CARGO_TARGET_DIR:-target}/release"):$PATH
# Other settings of yours (a volume, a Manager) do not matter here.
unset FARM_VOLUME
export FARM_MANAGER=local

here=$(folder "${1:-}")
cd "$here"
echo "Making two scenes in $here/scenes …"
blender --background --factory-startup --python-exit-code 1 \
    --python "$top/examples/quickstart_scenes.py" -- scenes >blender.log 2>&1 ||
    { tail -n 20 blender.log >&2; exit 1; }

# Shows a command as you would type it, and runs it.
type_in() {
    printf '\n$ %s\n' "$*"
    "$@"
}

printf '\n$ cd %s\n' "$here"
type_in farm init volume --name quickstart
type_in cd volume
type_in farm plan release demo ../scenes/cube.blend ../scenes/room.blend --frames 1-5 --yes --wait
type_in farm status
type_in farm harvest release demo

printf '\nDone. The frames are here:\n'
ls "$PWD"/dist/demo/*.png
cat <<END

To go on, type:
    cd $PWD
    PATH=${PATH%%:*}:\$PATH
    farm --help
END
