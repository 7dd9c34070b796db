# shellcheck shell=bash
# Installs what is missing, and only that. Sourced by tests/run.sh, examples/quickstart.sh and .ci/run.
#
#   need_programs blender ffmpeg …   Debian packages for the programs that are not there
#   need_rust                        cargo, at least of the version that Cargo.toml asks for
#
# Never asks. Where something cannot be installed it says what to type, and ends with 1.

give_up() {
    printf '\n%s\n' "$@" >&2
    exit 1
}

# The Debian package that has a program.
package_of() {
    case "$1" in
        cc) echo build-essential ;;
        curl) echo curl ca-certificates ;;
        *) echo "$1" ;;
    esac
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

need_programs() {
    local program packages=()
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 && continue
        # shellcheck disable=SC2207  # package names have no spaces of their own
        packages+=($(package_of "$program"))
    done
    [ "${#packages[@]}" -gt 0 ] || return 0
    echo "Installing ${packages[*]} …"
    apt_install "${packages[@]}" || give_up \
        "These programs are missing and could not be installed from here: ${packages[*]}." \
        "As root on Debian or Ubuntu type:" \
        "    apt-get update && apt-get install -y ${packages[*]}" \
        "and run this again."
}

# The Rust version that the project needs, out of Cargo.toml.
rust_wanted() {
    sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml
}

rust_is_new_enough() {
    local have wanted
    command -v cargo >/dev/null 2>&1 || return 1
    have=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
    wanted=$(rust_wanted)
    [ -n "$have" ] && [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ]
}

need_rust() {
    export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    rust_is_new_enough && return 0
    local wanted
    wanted=$(rust_wanted)
    echo "Installing Rust $wanted …"
    if ! command -v rustup >/dev/null 2>&1; then
        need_programs curl
        curl --proto '=https' --tlsv1.2 -sSf --retry 3 https://sh.rustup.rs |
            sh -s -- -y -q --profile minimal --no-modify-path >/dev/null || rust_by_hand
    fi
    rust_is_new_enough ||
        { rustup toolchain install "$wanted" --profile minimal --component rustfmt,clippy >/dev/null &&
            export RUSTUP_TOOLCHAIN="$wanted"; } || rust_by_hand
    rust_is_new_enough || rust_by_hand
}

rust_by_hand() {
    give_up "Rust $(rust_wanted) or newer is missing and could not be installed from here. Type:" \
        "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y" \
        "and run this again."
}
