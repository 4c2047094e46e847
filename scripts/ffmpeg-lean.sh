#!/usr/bin/env bash
# Builds the lean FFmpeg that nix/ffmpeg-lean.nix describes, without Nix, into the user's cache folder. Prints where it
# is; does nothing but that when it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

value() { sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" nix/ffmpeg-lean.json; }
version=$(value version)
sha256=$(value sha256)
mapfile -t flags <nix/ffmpeg-lean.flags
# Other flags, or another release, make another FFmpeg.
key=$(cat nix/ffmpeg-lean.json nix/ffmpeg-lean.flags | sha256sum | cut -c 1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/ffmpeg-hls-swarm/ffmpeg-lean
program=$folder/$version-$key/ffmpeg
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi
scripts/require.sh cc make xz curl >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The distribution's source package holds the tarball of the release. Reading it needs neither root nor a change of the
# machine's own package lists.
from_debian() {
    # Reads to the end: with pipefail, a writer that is cut short is a failure.
    apt-cache policy ffmpeg 2>/dev/null | grep "[: ]$version-" >/dev/null || return 1
    mkdir -p "$work"/apt/{sources,lists,cache}
    local list
    for list in /etc/apt/sources.list.d/*.sources; do
        [ -e "$list" ] && sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/apt/sources/${list##*/}"
    done
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$list" ] && sed -n 's/^deb /deb-src /p' "$list" >"$work/apt/sources/${list##*/}"
    done
    local options=(-qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/sources"
        -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User=)
    (cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only ffmpeg) >&2 || return 1
    tarball=$work/ffmpeg_$version.orig.tar.xz
}

from_upstream() {
    tarball=$work/ffmpeg-$version.tar.xz
    curl --fail --silent --show-error --location --connect-timeout 20 --output "$tarball" \
        "https://ffmpeg.org/releases/ffmpeg-$version.tar.xz"
}

tarball=${FFMPEG_TARBALL:-}
if [ -z "$tarball" ] && ! from_debian && ! from_upstream; then
    echo "ffmpeg-lean: cannot get FFmpeg $version: download ffmpeg-$version.tar.xz by hand, and say where it is with FFMPEG_TARBALL=FILE" >&2
    exit 1
fi
if ! echo "$sha256  $tarball" | sha256sum --check --quiet --status; then
    echo "ffmpeg-lean: $tarball is not the release that nix/ffmpeg-lean.json names (SHA-256 $sha256)" >&2
    exit 1
fi

echo "ffmpeg-lean: building FFmpeg $version, about a minute on two cores" >&2
mkdir "$work/source"
tar --extract --file "$tarball" --directory "$work/source" --strip-components 1
if ! (cd "$work/source" && ./configure "${flags[@]}" && make -j"$(nproc)" ffmpeg) >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    echo "ffmpeg-lean: the build failed: its last words are above" >&2
    exit 1
fi
# Whoever looks for it finds it whole or not at all.
mkdir -p "${program%/*}"
cp "$work/source/ffmpeg" "$program.$$"
mv "$program.$$" "$program"
echo "$program"
