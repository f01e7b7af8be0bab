import { describe, expect, it, vi } from 'vitest';
import { ImageRecords } from '../../../src/core/image/content/image-records.ts';
import { LocalBlobStore } from '../../../src/core/image/content/local-blob-store.ts';
import { bytesOf } from '../../helpers/image/content-fixture.ts';
import { useContent } from '../../helpers/image/use-content.ts';

const fixture = useContent();

describe('what images use', () => {
  it('is known without a walk over the images, however many blobs come and go', async () => {
    for (let number = 0; number < 20; number += 1)
      await fixture.put({
        references: [`docker.io/library/a:${number}`],
        layers: ['base', `layer ${number}`],
      });
    const all = vi.spyOn(ImageRecords.prototype, 'all');
    try {
      for (let number = 0; number < 20; number += 1) await fixture.content.blobs.add(bytesOf(`b${number}`));
      await fixture.content.collect(0);
      expect(all).not.toHaveBeenCalled();
    } finally {
      all.mockRestore();
    }
    expect(await fixture.images()).toHaveLength(20);
  });

  it('is looked at once for all that ends in one tick', async () => {
    await fixture.put({ references: ['docker.io/library/a:1'], layers: ['base'] });
    const pins = Array.from({ length: 50 }, () => fixture.content.pin({ layers: [] }));
    const nextDue = vi.spyOn(LocalBlobStore.prototype, 'nextDue');
    try {
      for (const unpin of pins) unpin();
      await Promise.resolve();
      expect(nextDue).toHaveBeenCalledTimes(1);
    } finally {
      nextDue.mockRestore();
    }
  });

  it('is counted for each image: what two have stays with the second', async () => {
    await fixture.put({ references: ['docker.io/library/a:1'], layers: ['base', 'a'] });
    await fixture.put({ references: ['docker.io/library/b:1'], layers: ['base', 'b'] });
    await fixture.store.remove('a:1');
    expect(await fixture.files('layers')).toHaveLength(2);
    // The name moves: the record of the other one is written anew, and has what it had.
    await fixture.put({ references: ['docker.io/library/b:1'], layers: ['base', 'c'] });
    expect(await fixture.files('layers')).toHaveLength(3);
    await fixture.store.prune({ all: true });
    expect(await fixture.bytes()).toBe(0);
  });
});
