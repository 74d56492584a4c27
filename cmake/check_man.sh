#!/bin/sh
# The manual pages: groff has no warning about them. Run in the root of the tree.
#
#   cmake/check_man.sh [--self-test]
set -eu

warnings() {
    groff -man -ww -Tutf8 -z "$1" 2>&1 || echo "groff failed on $1"
}

command -v groff >/dev/null || {
    echo 'SKIPPED: no groff'
    exit 77
}
if [ "${1:-}" = --self-test ]; then
    page=$(mktemp)
    trap 'rm -f "$page"' EXIT
    printf '.TH A 1\n.SH NAME\na \\- b\n.NONSENSE\n' >"$page"
    [ -n "$(warnings "$page")" ] || { echo 'a page with an unknown macro has no warning'; exit 1; }
    exit 0
fi
status=0
for page in docs/man/*.[1-8]; do
    found=$(warnings "$page")
    [ -z "$found" ] && continue
    printf '%s\n' "$found"
    status=1
done
exit $status
