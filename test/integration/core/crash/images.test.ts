import { afterAll, beforeAll, describe, it } from 'vitest';
import { crashAt } from '../../../helpers/core/crash/crash.ts';
import { failpointNames } from '../../../helpers/core/crash/failpoint-names.ts';
import { imageScenarios, registryWithImage } from '../../../helpers/core/crash/image-scenarios.ts';
import { casesOf } from '../../../helpers/core/crash/scenario.ts';
import type { TestRegistry } from '../../../helpers/image/registry/docker-registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await registryWithImage();
});
afterAll(() => registry.stop());

describe.each(imageScenarios(() => registry))('a core that is killed in: $name', (scenario) => {
  it.each(casesOf(failpointNames(), scenario))('at %s', (name) => crashAt(name, scenario), 60_000);
});
