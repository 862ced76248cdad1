#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Test the program that makes the book. Then look at every page in Debian's Chromium, with axe-core, on a wide and a
# narrow screen, light and dark. Screenshots are kept in build/book-test/. `make book` must have made the book.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/../../env.sh" "$0" "$@"
set -euo pipefail
cargo test --quiet --locked --manifest-path "$IPCLAB_CHECKOUT/lab/book/Cargo.toml"
place=$BUILD/book-test
mkdir -p "$place"
# npm installs beside the package's file, which must not be in the checkout.
cp "$IPCLAB_CHECKOUT"/lab/book/browser/{package.json,package-lock.json,book.test.mjs} "$place"
cd "$place"
npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
exec env BOOK="$BUILD/book" SHOTS="$place" node --test --test-reporter=spec book.test.mjs
