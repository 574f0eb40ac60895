#!/bin/sh
# Counts the instructions of one run on a fixed log and compares them with benches/instructions.txt.
#
#   benches/callgrind.sh            fails where there are more than 5 % more
#   benches/callgrind.sh --write    puts the count there, after a change that was meant
#
# Seconds differ between machines and hours, instructions do not, as long as the compiler and the processor's vector
# extensions are the same; hash seeds are random and move the count by a few in a thousand.
# A count of another profile (PROFILE=release), compiler or kind of processor is not comparable, and said to be none.
set -eu
cd "$(dirname "$0")/.."

profile=${PROFILE:-fast}
committed=benches/instructions.txt
scratch=$(mktemp -d)
vectors=$(grep -om1 -w avx2 /proc/cpuinfo || echo no avx2)
made_with="$(rustc --version), $profile, $vectors"
trap 'rm -rf "$scratch"' EXIT

command -v valgrind >/dev/null || { echo "callgrind.sh: valgrind is not installed" >&2; exit 2; }
cargo build --quiet --locked --profile "$profile" --bin authfault
target=${CARGO_TARGET_DIR:-target}/$profile
# By itself: as an example of the crate it would have all that the tests need built at this profile first.
rustc --edition 2024 -O -o "$scratch/loggen" fixtures/loggen/main.rs

"$scratch/loggen" --lines 20000 --seed 1 --clients 5000 --days 1 --fault-minutes 30 \
    >"$scratch/access.log" 2>/dev/null
valgrind --tool=callgrind --callgrind-out-file="$scratch/callgrind.out" --log-file="$scratch/valgrind.log" \
    "$target/authfault" --quiet --threads 1 --output json "$scratch/access.log" >"$scratch/report.json" ||
    { cat "$scratch/valgrind.log" >&2; exit 2; }
grep -q '"requests": *20000\b' "$scratch/report.json" ||
    { echo "callgrind.sh: the report does not hold 20000 requests" >&2; exit 2; }

counted=$(awk '/^(totals|summary):/ { print $2; exit }' "$scratch/callgrind.out")
echo "$counted instructions, $((counted / 20000)) a line"
if [ "${1:-}" = --write ]; then
    printf '# benches/callgrind.sh --write: %s\n%s\n' "$made_with" "$counted" >"$committed"
    exit
fi
[ -e "$committed" ] || { echo "callgrind.sh: no $committed yet: run with --write" >&2; exit 2; }
before=$(grep -v '^#' "$committed")
written=$(sed -n 's/^# .*--write: //p' "$committed")
if [ "$written" != "$made_with" ]; then
    echo "callgrind.sh: $committed was written with $written: not compared"
    exit
fi
awk -v now="$counted" -v before="$before" 'BEGIN {
    printf "%d before, %+.2f %%\n", before, (now / before - 1) * 100
    exit now > before * 1.05
}' || { echo "callgrind.sh: more than 5 % more instructions than $committed says" >&2; exit 1; }
