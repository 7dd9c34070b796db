# shellcheck shell=bash
# Installs what is missing, and only that. Sourced by tests/run.sh, examples/quickstart.sh and .ci/run.
#
#   need_rust                        cargo, at least of the version that Cargo.toml asks for
#   need_programs blender ffmpeg …   Debian packages for the programs that are not there
#
# Never asks. Where something cannot be installed it says what to type, and ends with 1.

give_up() {
    printf '\n' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

# The Debian packages that have a program.
packages_of() {
    case "$1" in
        cc) echo gcc libc6-dev ;;
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

# Waits for another apt instead of failing; one source that cannot be reached does not keep the others from being used.
# What apt says is shown only if it fails.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    local said apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    as_root "${apt[@]}" update </dev/null >/dev/null 2>&1 || true
    said=$(as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null 2>&1) || { echo "$said" >&2; return 1; }
}

need_programs() {
    local program packages=()
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 && continue
        # shellcheck disable=SC2207  # package names have no spaces of their own
        packages+=($(packages_of "$program"))
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
    if ! command -v rustup >/dev/null 2>&1; then
        need_programs curl
        echo "Installing Rust by rustup …"
        curl --proto '=https' --tlsv1.2 -sSf --retry 3 https://sh.rustup.rs |
            sh -s -- -y -q --profile minimal --no-modify-path >/dev/null || rust_by_hand
    fi
    # What is there, or what rustup calls stable, may be older than what is needed.
    if ! rust_is_new_enough; then
        echo "Installing Rust $wanted …"
        rustup toolchain install "$wanted" --profile minimal >/dev/null || rust_by_hand
        export RUSTUP_TOOLCHAIN="$wanted"
    fi
    rust_is_new_enough || rust_by_hand
}

rust_by_hand() {
    give_up "Rust $(rust_wanted) or newer is missing and could not be installed from here. Type" \
        "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y" \
        "and run this again."
}
