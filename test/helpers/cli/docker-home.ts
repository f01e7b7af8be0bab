import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { LoginRequest, RegistryCredentials } from '../../../src/core/model/image/image-requests.ts';
import { pullingCore } from '../image/pulling-core.ts';
import { type CommandLineOptions, type CommandLineResult, runCommandLine } from './command-line.ts';

/** What docker calls Docker Hub. */
export const HUB = 'https://index.docker.io/v1/';
export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export type DockerHome = Awaited<ReturnType<typeof makeDockerHome>>;

/** A user with a docker configuration, and a core whose registries take every password but `wrong`. */
export async function makeDockerHome() {
  const home = await mkdtemp(join(tmpdir(), 'fsb-docker-'));
  const config = join(home, '.docker/config.json');
  await mkdir(join(home, '.docker'));
  await mkdir(join(home, 'bin'));
  const world = pullingCore();
  const logins: LoginRequest[] = [];
  const user = {
    ...{ home, config, world, logins },
    env: { HOME: home, PATH: `${home}/bin:${process.env.PATH}` },
    /** What the registry gives instead of a password. */
    token: undefined as string | undefined,
    core: world.core as CoreApi,
    fsb: (line: string, options: CommandLineOptions = {}): Promise<CommandLineResult> =>
      runCommandLine(line.split(' '), { core: user.core, env: user.env, ...options }),
    login: (registry: string, input = 'secret\n'): Promise<CommandLineResult> =>
      user.fsb(`login ${registry} -u me --password-stdin`.replace('  ', ' '), { input }),
    /** What a pull of it hands to the core. */
    async pulledWith(reference: string): Promise<RegistryCredentials | undefined> {
      await user.fsb(`pull ${reference}`);
      return world.pulls.at(-1)?.credentials;
    },
    configure: (content: unknown): Promise<void> =>
      writeFile(config, typeof content === 'string' ? content : JSON.stringify(content)),
    content: async () => JSON.parse(await readFile(config, 'utf8')),
    installHelper: (name: string) => installHelper(home, name),
    close: () => rm(home, { recursive: true }),
  };
  const { images } = world.core;
  const login: typeof images.login = async (request) => {
    logins.push(structuredClone(request));
    await images.login(request);
    return user.token === undefined ? {} : { identityToken: user.token };
  };
  user.core = { ...world.core, images: { ...images, login } };
  return user;
}

/** A helper that keeps everything in a file, and what it was asked in another. */
async function installHelper(
  home: string,
  name: string,
): Promise<{ kept: () => Promise<string>; asked: () => Promise<string> }> {
  const file = join(home, 'bin', `docker-credential-${name}`);
  const [kept, asked] = [join(home, `${name}.kept`), join(home, `${name}.asked`)];
  await writeFile(
    file,
    `#!/bin/sh
echo "$@" >> ${asked}
case $1 in
  get) cat >> ${asked}; [ -s ${kept} ] && cat ${kept} || { echo "credentials not found in native keychain"; exit 1; };;
  store) cat > ${kept};;
  erase) cat > /dev/null; : > ${kept};;
esac
`,
  );
  await chmod(file, 0o755);
  const read = (path: string) => readFile(path, 'utf8');
  return { kept: () => read(kept), asked: () => read(asked) };
}
