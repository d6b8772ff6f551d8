# Makes an OCI image that contains the command, its licences and nothing else, as one file. Sourced by
# release.sh.
#
#     ctr image import wasmaot-VERSION-oci.tar
#     podman load --input wasmaot-VERSION-oci.tar
#     skopeo copy oci-archive:wasmaot-VERSION-oci.tar docker://REGISTRY/wasmaot:VERSION

image() {
    local tree=$1 image=$2 name=ghcr.io/wasmaot/wasmaot:$version
    local created layer layer_id config manifest
    created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
    mkdir -p "$image/root" "$image/oci/blobs/sha256"
    install -m 755 "$tree/bin/wasmaot" "$image/root/wasmaot"
    install -Dm 644 -t "$image/root/licences" "$tree"/share/doc/wasmaot/*LICEN*

    pack "$image/root" >"$image/layer.tar"
    layer_id=$(digest <"$image/layer.tar")
    layer=$(gzip -9n <"$image/layer.tar" | blob)
    config=$(
        blob <<END
{"created":"$created","architecture":"amd64","os":"linux","config":{"Entrypoint":["/wasmaot"],"Cmd":["--help"],"WorkingDir":"/","Labels":{$(labels)}},"rootfs":{"type":"layers","diff_ids":["sha256:$layer_id"]},"history":[{"created":"$created","created_by":"packaging/image.sh"}]}
END
    )
    manifest=$(
        blob <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":$(descriptor config.v1+json "$config"),"layers":[$(descriptor layer.v1.tar+gzip "$layer")]}
END
    )
    echo '{"imageLayoutVersion":"1.0.0"}' >"$image/oci/oci-layout"
    cat >"$image/oci/index.json" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[$(descriptor manifest.v1+json "$manifest" ',"annotations":{"io.containerd.image.name":"'"$name"'","org.opencontainers.image.ref.name":"'"$version"'"},"platform":{"architecture":"amd64","os":"linux"}')]}
END
    # What versions of docker before 25 read.
    cat >"$image/oci/manifest.json" <<END
[{"Config":"blobs/sha256/$config","RepoTags":["$name"],"Layers":["blobs/sha256/$layer"]}]
END
    pack "$image/oci" >"$release/wasmaot-$version-oci.tar"
}

labels() {
    local prefix=org.opencontainers.image
    printf '"%s.title":"wasmaot","%s.version":"%s","%s.source":"https://github.com/wasmaot/wasmaot",' \
        $prefix $prefix "$version" $prefix
    printf '"%s.licenses":"Apache-2.0 WITH LLVM-exception"' $prefix
}

digest() {
    sha256sum | cut -d' ' -f1
}

# Stores standard input as a blob and prints its digest.
blob() {
    local file=$image/blob sum
    cat >"$file"
    sum=$(digest <"$file")
    mv "$file" "$image/oci/blobs/sha256/$sum"
    echo "$sum"
}

# A reference to a blob: the end of its media type, its digest, and more fields.
descriptor() {
    printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s%s}' \
        "$1" "$2" "$(stat -c %s "$image/oci/blobs/sha256/$2")" "${3-}"
}
