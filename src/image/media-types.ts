/** Media types of OCI image-spec (media-types.md) and of Docker's manifest schema 2, which mean the same. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
export const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";

export const isIndexType = (mediaType: string): boolean => mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
export const isManifestType = (mediaType: string): boolean =>
  mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
export const isImageConfigType = (mediaType: string): boolean =>
  mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;

const OCI_NONDISTRIBUTABLE_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar";
const DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar";

/** What an OCI manifest calls a layer of this type: Docker's types get OCI's names, others stay. */
export function ociLayerType(mediaType: string): string {
  for (const [docker, oci] of [
    [DOCKER_LAYER, OCI_LAYER],
    [DOCKER_FOREIGN_LAYER, OCI_NONDISTRIBUTABLE_LAYER],
  ] as const) {
    if (mediaType === docker) return oci;
    if (mediaType.startsWith(`${docker}.`)) return `${oci}+${mediaType.slice(docker.length + 1)}`;
  }
  return mediaType;
}
