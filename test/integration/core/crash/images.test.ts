import { afterAll, beforeAll } from 'vitest';
import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { imageScenarios, registryWithImage } from '../../../helpers/core/crash/scenarios/image-scenarios.ts';
import type { TestRegistry } from '../../../helpers/image/registry/docker-registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await registryWithImage();
});
afterAll(() => registry.stop());

describeCrashes(imageScenarios(() => registry));
