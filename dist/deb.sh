#!/bin/sh
# Builds the Debian package into target/debian, with the man pages and completions that the program itself writes.
# Needs cargo-deb: cargo install --locked cargo-deb
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked
mkdir -p target/dist
rm -f target/dist/*.1
"$target/release/authfault" man > target/dist/authfault.1
for page in $(sed -n 's/^authfault\\-\([a-z\\-]*\)(1)$/\1/p' target/dist/authfault.1 | tr -d '\\'); do
    "$target/release/authfault" man "$page" > "target/dist/authfault-$page.1"
done
for shell in bash zsh fish; do
    "$target/release/authfault" completions "$shell" > "target/dist/authfault.$shell"
done
{ cat LICENSE-MIT; echo; echo 'Apache-2.0 is in /usr/share/common-licenses/Apache-2.0.'; } > target/dist/copyright
version=$("$target/release/authfault" --version | cut -d' ' -f2)
cat > target/dist/changelog <<END
authfault ($version-1) unstable; urgency=medium

  * What changed is in /usr/share/doc/authfault/changelog.gz.

 -- The authfault authors <authfault@example.org>  $(date -R ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
END
cargo deb --no-build --locked
