import { FsbError } from '../failure/errors.ts';
import { isDigest } from './digest.ts';
import { beginsWithRegistry, HUB, registryHost } from './registry-host.ts';

/** A name of an image with everything spelled out. At least one of tag and digest is there. */
export interface ImageReference {
  /** As registryHost() spells it: `docker.io`, `localhost:5000` */
  domain: string;
  /** `library/alpine` */
  path: string;
  tag?: string;
  /** `sha256:...` */
  digest?: string;
}

/** The name of the built-in image. It is no reference: it has no registry, tag or digest. */
export const HOST_IMAGE = 'host';

const OFFICIAL = 'library/';
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const LONGEST_NAME = 255;
// A name, the longest tag and a digest.
const LONGEST_TEXT = LONGEST_NAME + 1 + 128 + 1 + 71;

/**
 * Understands a name as docker does: `alpine` is `docker.io/library/alpine:latest`; what stands before the first slash
 * is a registry when it has a dot or a colon, is `localhost`, or has an upper-case letter.
 * @throws invalid_argument, saying what is wrong with it
 */
export function parseReference(text: string): ImageReference {
  if (text.length > LONGEST_TEXT)
    throw invalid(`${text.slice(0, 40)}...`, `it is longer than ${LONGEST_TEXT} characters`);
  const { name, tag, digest } = splitSuffixes(text);
  const { domain, path } = splitDomain(name);
  if (name === '') throw invalid(text, 'the name is empty');
  if (domain === undefined)
    throw invalid(text, `${JSON.stringify(name.split('/')[0])} is not a registry address`);
  for (const component of path.split('/')) assertComponent(text, component);
  if (domain.length + 1 + path.length > LONGEST_NAME)
    throw invalid(text, `the name is longer than ${LONGEST_NAME} characters`);
  if (/^[0-9a-f]{64}$/.test(name))
    throw invalid(text, 'a name cannot be 64 hexadecimal digits', `Write sha256:${name}.`);
  if (tag !== undefined && !TAG.test(tag))
    throw invalid(text, `${JSON.stringify(tag)} is not a tag`, TAG_RULE);
  if (digest !== undefined && !isDigest(digest))
    throw invalid(
      text,
      `${JSON.stringify(digest)} is not a digest`,
      'A digest is sha256: and 64 hexadecimal digits.',
    );
  const suffix = tag === undefined && digest === undefined ? { tag: 'latest' } : { tag, digest };
  return {
    domain,
    path,
    ...(suffix.tag !== undefined && { tag: suffix.tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** The one spelling by which the store knows an image. */
export function canonicalReference(reference: ImageReference): string {
  return `${repositoryOf(reference)}${suffixOf(reference)}`;
}

/** Domain and path, without tag and digest. */
export function repositoryOf(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`;
}

/** As people write it: `alpine:latest`, `user/tool:1`, `quay.io/a/b:1`. Parses to the same reference. */
export function familiarReference(reference: ImageReference): string {
  const { domain, path } = reference;
  if (domain !== HUB) return `${domain}/${path}${suffixOf(reference)}`;
  const short = path.startsWith(OFFICIAL) ? path.slice(OFFICIAL.length) : path;
  // `library/a/b` would become `a/b`, which is another image, and `a.b/c` would be one of the registry a.b.
  const name = short.includes('/') ? path : short;
  const prefix = name.includes('/') && beginsWithRegistry(name.split('/')[0]!) ? `${HUB}/` : '';
  return `${prefix}${name}${suffixOf(reference)}`;
}

/** The familiar form of a canonical reference or of `host`; other text unchanged. For people only. */
export function familiarName(text: string): string {
  if (text === HOST_IMAGE) return text;
  try {
    return familiarReference(parseReference(text));
  } catch {
    return text;
  }
}

const TAG_RULE =
  'A tag has 1 to 128 letters, digits, underscores, dots and dashes, and starts with none of the last two.';

function splitSuffixes(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.lastIndexOf(':');
  // A colon before the last slash is a port: localhost:5000/a.
  if (colon < 0 || colon < rest.lastIndexOf('/')) return { name: rest, digest };
  return { name: rest.slice(0, colon), tag: rest.slice(colon + 1), digest };
}

/** `domain` is undefined when it is no registry's. */
function splitDomain(name: string): { domain: string | undefined; path: string } {
  const slash = name.indexOf('/');
  const hasDomain = slash >= 0 && beginsWithRegistry(name.slice(0, slash));
  const domain = hasDomain ? registryHost(name.slice(0, slash)) : HUB;
  const path = hasDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain !== HUB || path.includes('/') ? path : `${OFFICIAL}${path}` };
}

function assertComponent(text: string, component: string): void {
  if (COMPONENT.test(component)) return;
  if (component === '') throw invalid(text, 'a part of the name between slashes is empty');
  if (component !== component.toLowerCase())
    throw invalid(
      text,
      component === text
        ? 'it has upper-case letters'
        : `${JSON.stringify(component)} has upper-case letters`,
      COMPONENT.test(component.toLowerCase()) ? `Did you mean ${text.toLowerCase()}?` : COMPONENT_RULE,
    );
  if (component === text) throw invalid(text, 'it is not a name', COMPONENT_RULE);
  throw invalid(text, `${JSON.stringify(component)} is not a name`, COMPONENT_RULE);
}

const COMPONENT_RULE =
  'Names have lower-case letters and digits, with single dots, one or two underscores, or dashes between them.';

function suffixOf({ tag, digest }: ImageReference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function invalid(
  text: string,
  why: string,
  hint = 'An image is named like alpine, alpine:3.20 or registry.example.com/team/tool:1.',
): FsbError {
  return new FsbError('invalid_argument', `invalid image name ${JSON.stringify(text)}: ${why}`, { hint });
}
