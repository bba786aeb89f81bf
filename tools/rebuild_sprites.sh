#!/bin/sh
# rebuild_sprites.sh [CELL] [OUT]: makes the sheets of the picture world again from the artwork's vector files.
#
#   CELL   side of a drawing in pixels, 8 to 256 (default 64, as shipped)
#   OUT    folder for the sheets (default weights/world; its tables must be there)
#
# Needs the network, npm with node, rsvg-convert (Debian: librsvg2-bin) and a built ldm99.  Nothing of this is needed
# to use or to build the project.  The shipped sheets were made with librsvg 2.54.7; another version may smooth an
# edge a little differently.  RSVG and LDM99 name other programs; KEEP=1 keeps the downloads and renderings.
set -eu
cell=${1:-64}
out=${2:-weights/world}
render=$((cell * 4)) # drawn four times as large, then brought to size by our own filter
rsvg=${RSVG:-rsvg-convert}
ldm99=${LDM99:-build/ldm99}
work=$(mktemp -d)
[ -n "${KEEP:-}" ] && echo "working in $work" || trap 'rm -rf "$work"' EXIT

# fetch PACKAGE VERSION: unpacks it into $work/PACKAGE
fetch() {
    mkdir -p "$work/$1"
    (cd "$work" && tar xzf "$(npm pack --silent "$1@$2")" -C "$1" --strip-components 1)
}

# Writes one SVG a pair: $work/svg/STYLE/SLUG.svg, from the icon set's JSON or, for line drawings, OpenMoji's files.
cat >"$work/extract.js" <<'END'
const fs = require('fs');
const [style, source, folder, world] = process.argv.slice(2);
const rows = name => fs.readFileSync(`${world}/${name}`, 'utf8').split('\n')
    .filter(line => line && !line.startsWith('#')).map(line => line.split('\t'));
const code = Object.fromEntries(rows('concepts.tsv').map(row => [row[0], row[1]]));
const icons = fs.existsSync(`${source}/icons.json`) && JSON.parse(fs.readFileSync(`${source}/icons.json`));
fs.mkdirSync(folder, {recursive: true});
for (const [, slug] of rows('pairs.tsv').filter(row => row[0] === style)) {
    const target = `${folder}/${slug}.svg`;
    if (!icons) {
        const names = [code[slug], code[slug].replace('-FE0F', '')].map(name => `${source}/black/svg/${name}.svg`);
        fs.copyFileSync(names.find(name => fs.existsSync(name)), target);
        continue;
    }
    const icon = icons.icons[slug] || icons.icons[icons.aliases[slug].parent];
    const width = icon.width || icons.width || 16, height = icon.height || icons.height || 16;
    fs.writeFileSync(target, '<svg xmlns="http://www.w3.org/2000/svg" ' +
        'xmlns:xlink="http://www.w3.org/1999/xlink" ' +
        `viewBox="${icon.left || 0} ${icon.top || 0} ${width} ${height}">${icon.body}</svg>`);
}
END

grep -v '^#' "$out/styles.tsv" | cut -f 1,6 | while read -r style _ package version; do
    echo "$style: $package $version"
    fetch "$package" "$version"
    node "$work/extract.js" "$style" "$work/$package" "$work/svg/$style" "$out"
    mkdir -p "$work/png/$style"
    for svg in "$work/svg/$style"/*.svg; do
        "$rsvg" -w "$render" -h "$render" "$svg" -o "$work/png/$style/$(basename "$svg" .svg).png"
    done
done
"$ldm99" data pack --data "$out" --renders "$work/png" --cell "$cell" -o "$out"
