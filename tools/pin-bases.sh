#!/usr/bin/env bash
# Writes the digests that the images' names have today behind the names of the base images, in functions/gpu/Dockerfile and
# infra/image/bases.ts: a build then takes these images and no others. Needs Docker with buildx, and the registries.
set -euo pipefail
cd "$(dirname "$0")/.."

files=(functions/gpu/Dockerfile infra/image/bases.ts)
named='(nvcr\.io|public\.ecr\.aws)/[a-z0-9./_-]+:[A-Za-z0-9._-]+(@sha256:[0-9a-f]{64})?'
for name in $(grep -ohE "$named" "${files[@]}" | sort -u); do
  tag=${name%@*}
  digest=$(docker buildx imagetools inspect "$tag" --format '{{.Manifest.Digest}}')
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "The registry of $tag gives no digest: $digest" >&2; exit 1; }
  sed -i -E "s|${name//./\\.}([^@]\|$)|$tag@$digest\1|" "${files[@]}"
  echo "$tag@$digest"
done
