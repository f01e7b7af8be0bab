import { afterEach, beforeEach } from 'vitest';
import { ContentFixture } from './content-fixture.ts';

/** New content with a store on it for each test. */
export function useContent(): ContentFixture {
  const fixture = new ContentFixture();
  beforeEach(() => fixture.setUp());
  afterEach(() => fixture.tearDown());
  return fixture;
}
