# Collects the licences of everything that the binaries of a release contain. Sourced by release.sh.

# Writes LICENSE and THIRD-PARTY-LICENCES into a directory.
licences() {
    mkdir -p "$1"
    install -m 644 LICENSE "$1/LICENSE"
    {
        echo "wasmaot $version is distributed in binary form together with the software below."
        crates
        crate_texts
        standard_library
        c_library
    } >"$1/THIRD-PARTY-LICENCES"
}

# Names and versions of the crates from registries, with their SPDX expressions.
crate_list() {
    cargo tree --locked -p wasmaot -p wasmaot-capi -p wasmaot-compiler-capi -e normal,no-proc-macro --target x86_64-unknown-linux-gnu \
        --prefix none --format '{p}|{l}' | sed 's/ (\*)$//' | grep -v -e '^wasmaot' -e '^$' | sort -u
}

crates() {
    heading "Crates"
    crate_list | sed 's/|/: /'
}

# Every text once, with the crates that it is the licence of.
crate_texts() {
    local name number folder file sum found without= _
    declare -A texts=() users=()
    while IFS=' |' read -r name number _; do
        folder=$(crate_folder "$name" "${number#v}")
        found=
        while IFS= read -r file; do
            found=yes
            sum=$(sha256sum <"$file" | cut -d' ' -f1)
            texts[$sum]=$file
            users[$sum]+=" $name-${number#v}"
        done < <(find "$folder" -maxdepth 1 -type f \
            \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'unlicense*' \) | sort)
        if [ -z "$found" ]; then
            without+=" $name-${number#v}"
        fi
    done < <(crate_list)
    if [ -n "$without" ]; then
        heading "Crates whose packages have no text, under the licences stated above"
        fold --spaces --width=79 <<<"${without# }"
    fi
    for sum in $(printf '%s\n' "${!texts[@]}" | sort); do
        heading "Licence of${users[$sum]}"
        cat "${texts[$sum]}"
    done
}

# The folder of a crate's sources, from the registry or vendored.
crate_folder() {
    local folder
    for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1-$2" "vendor/$1-$2" "vendor/$1"; do
        if [ -d "$folder" ]; then
            echo "$folder"
            return
        fi
    done
    echo "release: the sources of $1 $2 are not where cargo puts them" >&2
    return 1
}

standard_library() {
    heading "The Rust standard library"
    cat <<'END'
MIT OR Apache-2.0; see https://github.com/rust-lang/rust/blob/master/COPYRIGHT. The texts of both licences are above.
END
}

c_library() {
    heading "The GNU C library"
    cat <<'END'
The command, and each executable that `wasmaot compile --emit exe` makes, is linked statically with the GNU C library,
which is free software under the GNU Lesser General Public License, version 2.1 or later
(https://www.gnu.org/licenses/lgpl-2.1.html). The complete sources of wasmaot, with which the command can be linked to another
version of that library, are at https://github.com/wasmaot/wasmaot; those of the library are at https://www.gnu.org/software/libc/.
The code that unwinds is from GCC, under the GPL 3 with the GCC Runtime Library Exception.
END
}

heading() {
    printf '\n%s\n%s\n\n' "$(printf '=%.0s' {1..79})" "$1"
}
