/** Names of the documents and blobs of images: OCI's, and docker's for the same things. */

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIGURATION = 'application/vnd.oci.image.config.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_CONFIGURATION = 'application/vnd.docker.container.image.v1+json';

/** What may stand behind a reference. */
export const MANIFEST_TYPES: readonly string[] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX];

export const isIndexType = (type: string): boolean => type === OCI_INDEX || type === DOCKER_INDEX;
/** Old docker pushed configurations as octet streams. */
export const isConfigurationType = (type: string): boolean =>
  ['', OCI_CONFIGURATION, DOCKER_CONFIGURATION, 'application/octet-stream'].includes(type);
