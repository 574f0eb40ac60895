#!/bin/sh
# Builds the Debian package into target/debian, with the man page and completions that the program itself writes.
# Needs cargo-deb: cargo install --locked cargo-deb
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked
mkdir -p target/dist
"$target/release/authfault" man > target/dist/authfault.1
for shell in bash zsh fish; do
    "$target/release/authfault" completions "$shell" > "target/dist/authfault.$shell"
done
cargo deb --no-build --locked
