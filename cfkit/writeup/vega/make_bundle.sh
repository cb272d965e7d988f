#!/bin/sh
# Makes vega-bundle.js and LICENSE beside this file from the npm packages named below. Needs npm; run it only to change a version.
# The licences also stand inside the bundle, since every page that embeds it passes it on.
#
# vega-interpreter is published as an ES module only. It is wrapped in a function here and its one import taken from `vega`, which
# exports the same names. With it Vega evaluates expressions without `eval`, so a page can forbid every script but its own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
: > bundle.js
: > LICENSE
for package in vega@6.4.0 vega-lite@6.4.3 vega-interpreter@2.3.2 vega-embed@7.3.0; do
    tarball=$(npm pack --silent "$package")
    mkdir unpacked
    tar xzf "$tarball" -C unpacked
    name=${package%@*}
    printf '==== %s (BSD-3-Clause) ====\n\n' "$package" >> LICENSE
    cat unpacked/package/LICENSE >> LICENSE
    printf '\n\n' >> LICENSE
    printf '/* %s\n' "$package" >> bundle.js
    cat unpacked/package/LICENSE >> bundle.js
    printf '*/\n' >> bundle.js
    if [ "$name" = vega-interpreter ]; then
        {
            printf 'var vegaInterpreter = (function () {\n"use strict";\n'
            sed -e "s|^import {\(.*\)} from 'vega-util';\$|const {\1} = vega;|" \
                -e 's|^export { expression as expressionInterpreter };$|return { expressionInterpreter: expression };|' \
                -e '/^\/\/# sourceMappingURL=/d' unpacked/package/build/vega-interpreter.js
            printf '})();\n'
        } >> bundle.js
    else
        sed -e 's|//# sourceMappingURL=.*$||' "unpacked/package/build/$name.min.js" >> bundle.js
        printf '\n' >> bundle.js
    fi
    rm -rf unpacked
done
mv bundle.js "$here/vega-bundle.js"
mv LICENSE "$here/LICENSE"
