#!/bin/sh
# The consumer, built with what pkg-config says and nothing else. The copy is installed elsewhere
# than it was configured for, and moved once more here: the paths must follow it.
#
#   pkg_config.sh <prefix> <libdir> <version> with-kvm|without-kvm with-client|without-client
#                 <compiler> [<flag>...]
set -eu
source=$(dirname "$0")/consumer
prefix=$1 libdir=$2 version=$3 kvm=$4 client=$5
shift 5

tool=${PKG_CONFIG:-pkg-config}
if ! command -v "$tool" >/dev/null; then
    echo "SKIPPED: no $tool here (Debian: package pkgconf or pkg-config)"
    exit 77
fi
case $libdir in
/*) echo 'SKIPPED: an absolute library folder is not below the prefix of the test'; exit 77 ;;
esac

fail() {
    echo "FAILED: $*"
    exit 1
}

moved=$PWD/moved
rm -rf "$moved"
cp -R "$prefix" "$moved"
PKG_CONFIG_LIBDIR=$moved/$libdir/pkgconfig
PKG_CONFIG_PATH=
export PKG_CONFIG_LIBDIR PKG_CONFIG_PATH

# build <package> <source> <program> <compiler> [<flag>...], then runs it.
build() {
    package=$1 input=$2 program=$3
    shift 3
    "$tool" --validate "$package" || fail "$package.pc is not valid"
    [ "$("$tool" --modversion "$package")" = "$version" ] || fail "$package is not $version"
    folder=$(readlink -f "$("$tool" --variable=includedir "$package")")
    [ "$folder" = "$(readlink -f "$moved")/include" ] || fail "$package's headers are in $folder"
    # shellcheck disable=SC2046 # flags are words
    "$@" "$source/$input" -o "$program" $("$tool" --cflags --libs "$package")
    "./$program"
}

build vmsig main.cpp pkg_config_consumer "$@"
case $kvm in
with-kvm) build vmsig-kvm kvm.cpp pkg_config_consumer_kvm "$@" ;;
*) ! "$tool" --exists vmsig-kvm || fail 'there is a vmsig-kvm.pc, but no vmsig::kvm' ;;
esac
case $client in
with-client)
    # In C: whoever links it needs no C++ compiler.
    LD_LIBRARY_PATH=$moved/$libdir
    export LD_LIBRARY_PATH
    build vmsig-client ../consumer_c/main.c pkg_config_consumer_c "${CC:-cc}" -std=c11 -Wall \
        -Wextra -Wpedantic -Werror
    case $(ldd ./pkg_config_consumer_c) in
    *"libvmsig-client.so.1 => $moved/"*) ;;
    *) fail 'it does not run with libvmsig-client.so.1 of the package' ;;
    esac
    ;;
*) ! "$tool" --exists vmsig-client || fail 'there is a vmsig-client.pc, but no vmsig::client' ;;
esac
rm -rf "$moved"
