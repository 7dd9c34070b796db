//! The build script: how the released program is linked.

/// A program for any address has thousands of addresses of its own to put right at every start, and each page of them is
/// copied for it (65 of 198). On Linux the released program is linked for one address, as programs in Go are: its
/// start-up takes two thirds of the processor's time. Stack, heap and libraries keep their random places.
#[allow(clippy::print_stdout, reason = "a build script speaks to cargo by its output")]
fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
