#!/bin/sh
# Stands in for Blender where a test needs frames and not pictures: understands what a worker passes, copies a
# ready-made frame to each output path, and prints the lines that Blender prints. The first lines are put in by the
# test: POOL (frames by number), LOG (what was rendered, one line each), PAUSE (seconds per frame, or empty), FAIL (the
# frame at which it gives up, or empty), FORGET (the frame that it does not write, or empty), SAY (a line for the log, or
# empty).
case "$1" in
    -v | --version) printf 'Blender 3.4.1\n\tbuild date: 2022-12-20\n'; exit 0 ;;
esac

output='' frames='' scene='' keep=''
while [ $# -gt 0 ]; do
    case "$1" in
        -o | --render-output) output=$2; shift ;;
        -f | --render-frame) frames=$2; shift ;;
        --python-expr)
            case "$2" in *overwrite*False*) keep=yes ;; esac
            shift ;;
        -F | --render-format | -S | --scene | -P | --python | --python-exit-code | -E | --engine | -t | --threads | \
            -x | --use-extension | -s | --frame-start | -e | --frame-end | -j | --frame-jump | --log-level) shift ;;
        # What follows is for the engine.
        --) break ;;
        -*) ;;
        *) scene=$1 ;;
    esac
    shift
done

echo 'Blender 3.4.1'
[ -n "$frames" ] || exit 0
if [ ! -r "$scene" ]; then
    echo "Error: Cannot read file '$scene': No such file or directory"
    exit 1
fi
echo "Read blend: $scene"
folder=${output%%#*}
folder=${folder%/}
job=${folder##*/}
mkdir -p "$folder"

render() {
    number=$(printf '%06d' "$1")
    file=$folder/$number.png
    if [ -n "$keep" ] && [ -e "$file" ]; then
        echo "skipping existing frame \"$file\""
        return
    fi
    if [ "$1" = "$FAIL" ]; then
        printf 'Error: the stand-in gives up at frame %s \033[2J\033]0;title\007\n' "$1"
        exit 1
    fi
    [ "$1" = "$FORGET" ] && return
    [ -n "$SAY" ] && printf '%b\n' "$SAY"
    echo "Fra:$1 Mem:8.00M (Peak 8.00M) | Time:00:00.01 | Remaining:00:00.00 | Scene, ViewLayer | Sample 1/8"
    if [ -n "$PAUSE" ]; then
        slowly
    else
        cp "$POOL/$number.png" "$file" || exit 1
    fi
    [ -n "$LOG" ] && echo "$job $1" >>"$LOG"
    printf "Saved: '%s'\n Time: 00:00.01 (Saving: 00:00.00)\n\n" "$file"
}

# Writes the frame in two halves, as a renderer that can be killed in between, and says if another is at it already.
slowly() {
    mine=$POOL/busy-$job-$number
    if ! mkdir "$mine" 2>/dev/null; then
        other=$(cat "$mine/pid" 2>/dev/null)
        # A zombie has ended; where nobody waits for orphans it only keeps its number.
        if [ -n "$other" ] && grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$other/status" 2>/dev/null; then
            echo "TWICE $job $number" >>"$LOG"
        fi
        mkdir -p "$mine"
    fi
    echo $$ >"$mine/pid"
    head -c 100 "$POOL/$number.png" >"$file" || exit 1
    sleep "$PAUSE"
    cp "$POOL/$number.png" "$file" || exit 1
    rm -rf "$mine"
}

old=$IFS
IFS=,
for item in $frames; do
    IFS=$old
    first=${item%%..*}
    last=${item##*..}
    number=$first
    while [ "$first" -le "$last" ]; do
        render "$first"
        first=$((first + 1))
    done
done
echo
echo 'Blender quit'
